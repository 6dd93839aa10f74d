import { PortError } from "../../../runtime/ports/index.ts";
import type { FunctionTwin } from "../../../runtime/ports/twin.ts";

export interface Call {
  readonly payload: string;
  readonly signal: AbortSignal | undefined;
  answer(body?: string, status?: number): void;
  fail(code: PortError["code"]): void;
}

/** A twin whose calls end when the test says so. */
export function scriptedTwin() {
  const calls: Call[] = [];
  const twin: FunctionTwin = {
    invoke(payload, { signal }) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      calls.push({
        payload,
        signal,
        answer: (body = "from the twin", statusCode = 200) =>
          resolve(JSON.stringify({ statusCode, body, headers: { "content-type": "text/plain" } })),
        fail: (code) => reject(new PortError(code, `twin "a": ${code}; try again`)),
      });
      signal?.addEventListener("abort", () =>
        reject(new PortError("unavailable", 'twin "a": nobody waits; nothing')),
      );
      return promise;
    },
  };
  return { twin, calls };
}
