import { parentPort, workerData } from "node:worker_threads";

/** A thread of the local twin: loads the function's module once, and answers its calls. */
const { module, functionMs } = workerData as { module: string; functionMs: number };

type Handler = (event: unknown, context: object) => Promise<unknown>;
const { handler } = (await import(module)) as { readonly handler: Handler };

parentPort?.on("message", async ({ id, payload }: { id: number; payload: string }) => {
  const until = performance.now() + functionMs;
  const context = {
    awsRequestId: crypto.randomUUID(),
    getRemainingTimeInMillis: () => Math.max(0, until - performance.now()),
  };
  try {
    const answer = JSON.stringify(await handler(JSON.parse(payload), context));
    parentPort?.postMessage({ id, answer });
  } catch (error) {
    const failed = error instanceof Error ? error.name : "Unhandled";
    console.error(error);
    parentPort?.postMessage({ id, failed });
  }
});
parentPort?.postMessage("ready");
