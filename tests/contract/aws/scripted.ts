import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An answer that the service is to give: JSON or text; `undefined` never comes. */
export type Answer =
  | {
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | undefined;

export interface Asked {
  readonly target: string;
  readonly body: string;
}

/**
 * A service that gives these answers one after the other, the last of them for ever: for what an
 * emulator does not do, such as to fail. The SDK clients before it are real.
 */
export async function scripted(...answers: readonly [Answer, ...Answer[]]): Promise<{
  readonly endpoint: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    const target = request.headers["x-amz-target"];
    asked.push({ target: String(target ?? request.url), body: Buffer.concat(parts).toString() });
    if (!answer) return;
    response.writeHead(answer.status, answer.headers);
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** An error as the JSON protocols write it. */
export const failure = (type: string, status = 400, more: object = {}): Answer => ({
  status,
  body: { __type: `com.amazonaws#${type}`, message: "in the service's own words", ...more },
  headers: { "content-type": "application/x-amz-json-1.0" },
});
export const success = (body: object): Answer => ({ status: 200, body });
