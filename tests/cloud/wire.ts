import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from "node:http";
import type { AddressInfo } from "node:net";

/** A call of an AWS service on its way. */
export interface Call {
  /** As signatures name it: "dynamodb", "sqs", "s3". */
  readonly service: string;
  /** Of services that name it, such as "PutItem"; of others the method and path. */
  readonly operation: string;
  /** The access key that signed it. */
  readonly caller: string;
  readonly body: string;
  /** Of the answer, once it has come. */
  status?: number;
}

/** What a service answers in its own name, in place of what was asked for. */
export interface Failure {
  readonly status: number;
  readonly type: string;
}

/** The way to the emulator, on which calls can be seen and made to fail. */
export interface Wire {
  readonly url: string;
  readonly calls: Call[];
  /** Looks at each call, and may answer it. Default: all pass */
  fault: (call: Call) => Failure | undefined;
  close(): Promise<void>;
}

/** @param target base URL of the emulator */
export async function wireTo(target: string): Promise<Wire> {
  const server = createServer(async (incoming, response) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const call = callOf(incoming, body);
    wire.calls.push(call);
    const failure = wire.fault(call);
    response.once("finish", () => {
      call.status = response.statusCode;
    });
    if (failure) fail(response, failure);
    else pass(target, incoming, body, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const wire: Wire = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    fault: () => undefined,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return wire;
}

function callOf({ headers, method, url = "" }: IncomingMessage, bytes: Buffer): Call {
  const [, caller = "", service = ""] =
    /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? "") ?? [];
  const body = bytes.toString("utf8");
  const target = headers["x-amz-target"]?.toString().split(".").at(-1);
  const operation = target ?? new URLSearchParams(body).get("Action") ?? `${method} ${url}`;
  return { service, operation, caller, body };
}

function fail(response: ServerResponse, { status, type }: Failure): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify({ __type: type, message: "as the test wants it" }));
}

function pass(target: string, given: IncomingMessage, body: Buffer, answer: ServerResponse): void {
  const { hostname, port } = new URL(target);
  const { method, url: path, headers } = given;
  // It has come whole, whatever it was announced as.
  const { "transfer-encoding": _, expect: __, ...rest } = headers;
  const onward = { ...rest, "content-length": String(body.byteLength) };
  const call = send({ hostname, port, method, path, headers: onward }, (response) => {
    answer.writeHead(response.statusCode ?? 500, response.headers);
    response.pipe(answer);
  });
  call.on("error", (error) => answer.destroy(error));
  call.end(body);
}
