import { Worker } from "node:worker_threads";
import type { PortError } from "../../ports/index.ts";
import type { FunctionTwin } from "../../ports/twin.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { checkPayload, isCarried, waitEnded } from "../payload-limit.ts";
import { type Instance, instancesOf } from "./twin-instances.ts";

export interface LocalTwinOptions {
  /** Of the workload, for messages. */
  readonly name: string;
  /** URL of a module with the function's `handler`, such as its bundle. */
  readonly module: string;
  /** Threads that share the calls. Default: 1 */
  readonly threads?: number;
  /** Calls at a time; one more is `throttled`. Default: 100 */
  readonly concurrency?: number;
  /** Added to the first call of an instance, in ms. Default: 114 (maxday/lambda-perf, 2026-08) */
  readonly coldStartMs?: number;
  /** After which an instance that is not used is gone, in ms. Default: 300,000 */
  readonly idleMs?: number;
  /** Time limit of a call, in ms. Default: 29,000 */
  readonly functionMs?: number;
  /** Variables of the function. Default: those of this process */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** When its threads are started, which load the module. Default: "creation" */
  readonly startsAt?: "creation" | "first call";
  /** URL of the threads' program, for who is bundled away from it. Default: twin-worker.ts */
  readonly worker?: string;
}

export interface LocalTwin extends FunctionTwin {
  /** Instances that there are, those at work, and cold starts since the beginning. */
  snapshot(): { readonly instances: number; readonly busy: number; readonly coldStarts: number };
  /** Ends its threads, and what they are doing. */
  close(): Promise<void>;
}

/**
 * A container's twin in this process: the function as it is deployed, in threads of its own. As on
 * AWS an instance answers one call at a time, takes a while to start, and is kept for the next call;
 * but instances on one thread share the module, where there each has its own.
 */
export function localTwin(options: LocalTwinOptions): LocalTwin {
  const { name, threads = 1, concurrency = 100, coldStartMs = 114, idleMs = 300_000 } = options;
  const fault = faultsOf("twin", name);
  const pool = Array.from({ length: threads }, () => threadOf(fault, options));
  const instances = instancesOf({ threads, concurrency, idleMs });

  return {
    snapshot: instances.snapshot,
    async close() {
      await Promise.all(pool.map((thread) => thread.close()));
    },
    async invoke(payload, { timeoutMs, signal }) {
      checkPayload(fault, payload);
      const instance = instances.take(performance.now());
      if (!instance) throw fault("throttled", `${concurrency} calls at a time; try again later`);
      const clock = AbortSignal.timeout(Math.max(0, Math.ceil(timeoutMs)));
      const ends = signal ? AbortSignal.any([signal, clock]) : clock;
      const call = run(instance, payload).finally(() =>
        instances.give(instance, performance.now()),
      );
      const answer = await Promise.race([call, aborted(ends, fault)]);
      if (!isCarried(answer)) throw fault("unavailable", "its answer is over 6 MB; send less");
      return answer;
    },
  };

  async function run(instance: Instance, payload: string): Promise<string> {
    if (instance.isNew) await new Promise((resolve) => setTimeout(resolve, coldStartMs));
    return (pool[instance.thread] as Thread).call(payload);
  }
}

function aborted(signal: AbortSignal, fault: Fault): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(waitEnded(fault, signal));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

interface Thread {
  call(payload: string): Promise<string>;
  close(): Promise<void>;
}
type Told =
  | "ready"
  | { readonly id: number; readonly answer: string }
  | { readonly id: number; readonly failed: string };

/** A thread that is started again at the next call when it has ended. */
function threadOf(fault: Fault, options: LocalTwinOptions): Thread {
  const { module, functionMs = 29_000, env, startsAt = "creation" } = options;
  const program = new URL(options.worker ?? new URL("twin-worker.ts", import.meta.url));
  const waiting = new Map<
    number,
    { resolve(answer: string): void; reject(error: PortError): void; timer: NodeJS.Timeout }
  >();
  let worker: Worker | undefined;
  let ready = false;
  let next = 0;

  const settle = (id: number) => {
    const one = waiting.get(id);
    waiting.delete(id);
    clearTimeout(one?.timer);
    return one;
  };
  const start = () => {
    ready = false;
    const started = new Worker(program, {
      workerData: { module, functionMs },
      ...(env && { env: { ...env } }),
    });
    started.unref();
    started.on("message", (told: Told) => {
      if (told === "ready") {
        ready = true;
        return;
      }
      const one = settle(told.id);
      if ("answer" in told) one?.resolve(told.answer);
      else one?.reject(fault("unavailable", `the function failed (${told.failed}); see its log`));
    });
    started.on("error", (error) => end(started, error));
    started.on("exit", () => end(started));
    return started;
  };
  const end = (ended: Worker, cause?: unknown) => {
    if (worker !== ended) return;
    worker = undefined;
    // Before its module was loaded it has begun nothing.
    const said = ready
      ? fault("unavailable", "the function's process ended; see its log", cause)
      : fault("throttled", "its function does not start; see its log", cause);
    for (const id of [...waiting.keys()]) settle(id)?.reject(said);
  };
  if (startsAt === "creation") worker = start();

  return {
    call(payload) {
      worker ??= start();
      const id = next++;
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const late = () =>
        settle(id)?.reject(
          fault("unavailable", `not done within ${functionMs} ms; raise its limit`),
        );
      waiting.set(id, { resolve, reject, timer: setTimeout(late, functionMs).unref() });
      worker.postMessage({ id, payload });
      return promise;
    },
    async close() {
      const last = worker;
      if (!last) return;
      await last.terminate();
      end(last);
    },
  };
}
