import type { Delivery, Json, QueueConsumer } from "../../../runtime/ports/index.ts";

/** A queue in memory that notes what becomes of each message. */
export function memoryQueue(bodies: readonly Json[] = []) {
  const waiting: { readonly id: string; readonly body: Json; receives: number }[] = [];
  const log: string[] = [];
  const state = { broken: false };
  const asked: number[] = [];

  const send = (body: Json, id = `m-${waiting.length + 1}`) => {
    waiting.push({ id, body, receives: 0 });
  };
  for (const body of bodies) send(body);

  const consumer: QueueConsumer = {
    async receive(max, waitSeconds) {
      asked.push(max);
      if (state.broken) throw new Error("the queue cannot be reached");
      if (waiting.length === 0)
        await new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000));
      return waiting.splice(0, max).map((one): Delivery => {
        one.receives++;
        const note = async (line: string) => {
          if (state.broken) throw new Error("the queue cannot be reached");
          log.push(`${one.id} ${line}`);
        };
        return {
          message: { id: one.id, body: one.body, receives: one.receives, sentAt: new Date(0) },
          done: () => note("done"),
          retry: (reason, delaySeconds = 0) => note(`retry in ${delaySeconds}: ${reason}`),
          extend: (seconds) => note(`extend ${seconds}`),
          reject: (reason) => note(`reject: ${reason}`),
        };
      });
    },
  };
  return { consumer, send, log, state, asked };
}
