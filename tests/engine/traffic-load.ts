/** Constant load on a simulated cloud, and what became of each of its requests. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Outcome } from "./traffic.ts";
import type { Declared, Host } from "./traffic-hosts.ts";

export interface LoadOptions {
  /** The folder of the simulated cloud. */
  readonly cloud: string;
  /** Routes and body limit of the workload that is asked. */
  readonly declared: Declared;
  readonly perSecond: number;
  /** Until a change of the API is deployed, in milliseconds. Default: 0 */
  readonly lagMs?: number;
}

/** What the sending thread says. */
export type Told =
  | { readonly outcome: Outcome }
  | { readonly mark: number }
  | { readonly ended: Ended };

interface Ended {
  /** Of each request that reached a host: who answered, each time. */
  readonly effects: readonly (readonly [id: string, by: readonly Host[]])[];
  /** Requests that a container cut off as it ended. */
  readonly cut: number;
}

export interface Load {
  readonly outcomes: readonly Outcome[];
  /** The next so many requests from now on, when each of them has its outcome. */
  next(count: number): Promise<readonly Outcome[]>;
  /** Sends no more, and waits for what is under way. */
  end(): Promise<Ended>;
}

export function startLoad(options: LoadOptions): Load {
  const workerData = options;
  const worker = new Worker(new URL("./traffic-worker.ts", import.meta.url), { workerData });
  const failed = once(worker, "error").then(([error]) => Promise.reject(error));
  failed.catch(() => undefined);
  const outcomes: Outcome[] = [];
  worker.on("message", (told: Told) => {
    if ("outcome" in told) outcomes.push(told.outcome);
  });

  /** The first thing said for which `pick` has an answer. */
  const heard = <T>(pick: (told: Told) => T | undefined): Promise<T> => {
    const said = new Promise<T>((resolve) => {
      worker.on("message", function hear(told: Told) {
        const picked = pick(told);
        if (picked === undefined) return;
        worker.off("message", hear);
        resolve(picked);
      });
    });
    return Promise.race([said, failed]);
  };

  return {
    outcomes,
    async next(count) {
      const marked = heard((told) => ("mark" in told ? told.mark : undefined));
      worker.postMessage("mark");
      const from = await marked;
      const those = () => outcomes.filter(({ at }) => at >= from && at < from + count);
      await heard(() => (those().length === count ? true : undefined));
      return those();
    },
    async end() {
      const ended = heard((told) => ("ended" in told ? told.ended : undefined));
      worker.postMessage("end");
      return ended;
    },
  };
}
