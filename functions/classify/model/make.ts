/**
 * Makes the model: `node functions/classify/model/make.ts` writes functions/classify/model.ts, the
 * same one each time. Two layers of filters drawn by chance look at the image; what is learnt is how
 * to weigh what they saw. That is little, and enough to tell four kinds of made images apart.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { InferenceSession, Tensor as Input } from "onnxruntime-node";
import { draw, edge, type Label, labels, type Random, random } from "./drawings.ts";
import { type Graph, type Node, onnx, type Tensor } from "./onnx.ts";

const filters = { first: 12, second: 24 } as const;
const features = filters.second * 2;

/** Numbers around 0, as wide as keeps sums of `inputs` of them near 1 (He et al., 2015). */
function drawn(r: Random, shape: readonly number[]): Tensor {
  const [, ...rest] = shape;
  const inputs = rest.reduce((product, size) => product * size, 1);
  const count = inputs * (shape[0] as number);
  const normal = () => Math.sqrt(-2 * Math.log(1 - r())) * Math.cos(2 * Math.PI * r());
  return {
    shape,
    values: Float32Array.from({ length: count }, () => normal() * Math.sqrt(2 / inputs)),
  };
}

function backbone(): Pick<Graph, "nodes" | "weights"> {
  const r = random(2026);
  const conv = (input: string, weights: string, kernel: number, output: string): Node => ({
    op: "Conv",
    inputs: [input, weights],
    output,
    attributes: { kernel_shape: [kernel, kernel], strides: [2, 2] },
  });
  return {
    weights: {
      w1: drawn(r, [filters.first, 3, 5, 5]),
      w2: drawn(r, [filters.second, filters.first, 3, 3]),
    },
    nodes: [
      conv("image", "w1", 5, "c1"),
      { op: "Relu", inputs: ["c1"], output: "r1" },
      conv("r1", "w2", 3, "c2"),
      { op: "Relu", inputs: ["c2"], output: "r2" },
      { op: "GlobalAveragePool", inputs: ["r2"], output: "mean" },
      { op: "GlobalMaxPool", inputs: ["r2"], output: "most" },
      { op: "Concat", inputs: ["mean", "most"], output: "both", attributes: { axis: 1 } },
      { op: "Flatten", inputs: ["both"], output: "features" },
    ],
  };
}

const input = ["image", ["batch", 3, edge, edge]] as const;

/** What the filters see in each image. */
async function seen(images: readonly Float32Array[]): Promise<Float32Array[]> {
  const output = ["features", ["batch", features]] as const;
  const session = await InferenceSession.create(
    onnx({ name: "backbone", ...backbone(), input, output }),
  );
  const size = 3 * edge * edge;
  const batch = new Float32Array(images.length * size);
  for (const [at, image] of images.entries()) batch.set(image, at * size);
  const answer = await session.run({
    image: new Input("float32", batch, [images.length, 3, edge, edge]),
  });
  const all = answer.features?.data as Float32Array;
  return images.map((_, at) => all.slice(at * features, (at + 1) * features));
}

interface Example {
  readonly label: number;
  readonly seen: Float32Array;
}

/** Multinomial logistic regression by gradient descent with momentum, on features of like width. */
function learnt(examples: readonly Example[]): { weights: Tensor; bias: Tensor } {
  const { means, widths } = spread(examples);
  const kinds = labels.length;
  const weights = new Float64Array(kinds * (features + 1));
  const speed = new Float64Array(weights.length);
  const scaled = examples.map(({ label, seen: raw }) => ({
    label,
    x: [...raw].map((value, f) => (value - at(means, f)) / at(widths, f)).concat(1),
  }));
  for (let round = 0; round < 600; round += 1) {
    const slope = new Float64Array(weights.length);
    for (const { label, x } of scaled)
      for (const [kind, share] of softmax(weights, x, kinds).entries()) {
        const off = (share - (kind === label ? 1 : 0)) / scaled.length;
        for (const [f, value] of x.entries())
          slope[kind * x.length + f] = at(slope, kind * x.length + f) + off * value;
      }
    for (const i of weights.keys()) {
      speed[i] = 0.9 * at(speed, i) - 0.5 * (at(slope, i) + 1e-4 * at(weights, i));
      weights[i] = at(weights, i) + at(speed, i);
    }
  }
  // The widths go into the weights, so that the graph has one operation less.
  const final = new Float32Array(kinds * features);
  const bias = new Float32Array(kinds);
  for (let kind = 0; kind < kinds; kind += 1) {
    const row = kind * (features + 1);
    bias[kind] = at(weights, row + features);
    for (let f = 0; f < features; f += 1) {
      final[kind * features + f] = at(weights, row + f) / at(widths, f);
      bias[kind] = at(bias, kind) - (at(weights, row + f) * at(means, f)) / at(widths, f);
    }
  }
  return {
    weights: { shape: [kinds, features], values: final },
    bias: { shape: [kinds], values: bias },
  };
}

const at = (values: ArrayLike<number>, index: number) => values[index] as number;

function spread(examples: readonly Example[]) {
  const column = (f: number) => examples.map(({ seen: raw }) => at(raw, f));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const columns = Array.from({ length: features }, (_, f) => column(f));
  const means = columns.map(mean);
  const widths = columns.map(
    (values, f) => Math.sqrt(mean(values.map((value) => (value - at(means, f)) ** 2))) + 1e-6,
  );
  return { means, widths };
}

function softmax(weights: Float64Array, x: readonly number[], kinds: number): number[] {
  const scores = Array.from({ length: kinds }, (_, kind) =>
    x.reduce((sum, value, f) => sum + value * at(weights, kind * x.length + f), 0),
  );
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

/** The whole model, from images of the seeds from `first` on, so many of each label. */
export async function make(first = 1, count = 500): Promise<Uint8Array> {
  const images = labels.flatMap((label) =>
    Array.from({ length: count }, (_, n) => ({ label, image: draw(label, first + n) })),
  );
  const views = await seen(images.map(({ image }) => image));
  const { weights, bias } = learnt(
    images.map(({ label }, n) => ({
      label: labels.indexOf(label as Label),
      seen: views[n] as Float32Array,
    })),
  );
  const { nodes, weights: fixed } = backbone();
  return onnx({
    name: "classify",
    weights: { ...fixed, head: weights, bias },
    nodes: [
      ...nodes,
      {
        op: "Gemm",
        inputs: ["features", "head", "bias"],
        output: "scores",
        attributes: { transB: 1 },
      },
      { op: "Softmax", inputs: ["scores"], output: "shares", attributes: { axis: 1 } },
    ],
    input,
    output: ["shares", ["batch", labels.length]],
  });
}

if (import.meta.main) {
  const model = Buffer.from(await make()).toString("base64");
  writeFileSync(
    path.join(import.meta.dirname, "..", "model.ts"),
    `/** Made by model/make.ts: an ONNX file, as text so that it travels in the bundle. */\nexport const model =\n  "${model}";\n`,
  );
}
