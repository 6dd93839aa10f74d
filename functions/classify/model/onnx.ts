import protobuf from "protobufjs";

/**
 * What of the format is used here: messages and numbers of their fields as in onnx.proto3 of ONNX
 * 1.18 (2025-05), intermediate representation 8, operators of version 17.
 */
const schema = protobuf.parse(
  `
  syntax = "proto3";
  message ModelProto {
    int64 ir_version = 1; string producer_name = 2; GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
  }
  message OperatorSetIdProto { string domain = 1; int64 version = 2; }
  message GraphProto {
    repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
    repeated AttributeProto attribute = 5;
  }
  message AttributeProto {
    string name = 1; int64 i = 3; repeated int64 ints = 8; int32 type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9;
  }
  message ValueInfoProto { string name = 1; TypeProto type = 2; }
  message TypeProto { Tensor tensor_type = 1; }
  message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; }
  message TensorShapeProto { repeated Dimension dim = 1; }
  message Dimension { int64 dim_value = 1; string dim_param = 2; }
`,
  { keepCase: true },
).root;

const float = 1;
const attributeTypes = { int: 2, ints: 7 } as const;

export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** One operation: what it reads, by name, and the name of what it gives. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  /** What was learnt, by name. */
  readonly weights: Readonly<Record<string, Tensor>>;
  /** By name; a name in the place of a number is free. */
  readonly input: readonly [name: string, shape: readonly (number | string)[]];
  readonly output: readonly [name: string, shape: readonly (number | string)[]];
}

/** A graph as an ONNX file. */
export function onnx({ name, nodes, weights, input, output }: Graph): Uint8Array {
  const model = schema.lookupType("ModelProto");
  return model
    .encode(
      model.create({
        ir_version: 8,
        producer_name: "spillway",
        opset_import: [{ domain: "", version: 17 }],
        graph: {
          name,
          node: nodes.map(({ op, inputs, output: out, attributes = {} }) => ({
            input: inputs,
            output: [out],
            name: out,
            op_type: op,
            attribute: Object.entries(attributes).map(([key, value]) =>
              typeof value === "number"
                ? { name: key, i: value, type: attributeTypes.int }
                : { name: key, ints: value, type: attributeTypes.ints },
            ),
          })),
          initializer: Object.entries(weights).map(([key, { shape, values }]) => ({
            dims: shape,
            data_type: float,
            name: key,
            raw_data: littleEndian(values),
          })),
          input: [valueInfo(...input)],
          output: [valueInfo(...output)],
        },
      }),
    )
    .finish();
}

const valueInfo = (name: string, shape: readonly (number | string)[]) => ({
  name,
  type: {
    tensor_type: {
      elem_type: float,
      shape: {
        dim: shape.map((size) =>
          typeof size === "number" ? { dim_value: size } : { dim_param: size },
        ),
      },
    },
  },
});

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(values.length * 4));
  for (const [at, value] of values.entries()) bytes.setFloat32(at * 4, value, true);
  return new Uint8Array(bytes.buffer);
}
