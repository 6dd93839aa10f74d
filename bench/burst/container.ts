/**
 * A container of the benchmark: `container.ts <ceiling>`, with the function's bundle as second
 * argument where it spills. Tells its port, and how it stands when it is asked.
 */
import { localTwin } from "../../runtime/adapters/local/twin.ts";
import { ecsHttp } from "../../runtime/entries/ecs/http.ts";
import type { AdmissionSnapshot } from "../../runtime/overflow/admission.ts";
import { declared, openOrders } from "./workload.ts";

/** What a container tells of itself, since it has begun. */
export interface Stand {
  readonly admission: AdmissionSnapshot;
  /** Of the process with its twin's threads, in ms. */
  readonly cpuMs: number;
  /** What calls of the twin took, in ms, and how many were the first of their instance. */
  readonly calledMs: number;
  readonly coldStarts: number;
}

/** Of each of its pools; with those of the twins (10 each) for all containers below Postgres' 100. */
const connections = 3;
/** Instances of the function at a time, for each container. */
const concurrency = 200;

const [ceiling = "1", module] = process.argv.slice(2);
const pooled = module ? localTwin({ name: "burst", module, concurrency }) : undefined;
let calledMs = 0;
const twin = pooled && {
  async invoke(...given: Parameters<typeof pooled.invoke>) {
    const began = performance.now();
    try {
      return await pooled.invoke(...given);
    } finally {
      calledMs += performance.now() - began;
    }
  },
};

const server = await ecsHttp(await openOrders(process.env.DATABASE_URL, connections), {
  ...declared,
  port: 0,
  host: "127.0.0.1",
  admission: { floor: 1, ceiling: Number(ceiling), ...(twin && { twin }) },
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({
    admission: server.admission?.(),
    cpuMs: (user + system) / 1_000,
    calledMs,
    coldStarts: pooled?.snapshot().coldStarts ?? 0,
  });
});
process.send?.(server.port);
