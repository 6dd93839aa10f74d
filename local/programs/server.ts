import { localTwin } from "../../runtime/adapters/local/twin.ts";
import { type EcsOptions, ecsHttp } from "../../runtime/entries/ecs/http.ts";
import type { AdmissionSnapshot } from "../../runtime/overflow/admission.ts";
import { admissionFrom } from "../../runtime/overflow/settings.ts";
import type { HttpHandler } from "../../runtime/ports/index.ts";
import { type Stand, tell } from "./lifeline.ts";

/** How often it is looked whether there is something new to tell, in milliseconds. */
const tellMs = 250;

/** What a generated program knows of its server. */
export interface ServerOptions extends EcsOptions {
  readonly name: string;
  /** The function with the same code, which gets what the server cannot hold. Default: none */
  readonly twin?: {
    /** URL of its bundle. */
    readonly module: string;
    /** URL of the program of its threads. */
    readonly worker: string;
  };
}

/**
 * A workload's server on this machine: as in its container, on a free port of loopback, which it
 * tells its host, and now and then what its admission control has counted.
 */
export async function serveHttp(
  handler: HttpHandler,
  { name, twin, ...options }: ServerOptions,
): Promise<void> {
  const { SPILLWAY_COLD_START_MS: cold } = process.env;
  const started = { startsAt: "first call", ...(cold && { coldStartMs: Number(cold) }) } as const;
  const server = await ecsHttp(handler, {
    ...options,
    port: 0,
    host: "127.0.0.1",
    admission: {
      ...admissionFrom(process.env),
      ...(twin && { twin: localTwin({ name, ...twin, ...started }) }),
    },
  });
  tell({ kind: "ready", port: server.port });
  if (server.admission) tellStand(server.admission);
}

function tellStand(snapshot: () => AdmissionSnapshot): void {
  let last: Stand | undefined;
  setInterval(() => {
    const { admitted, spilled, refused } = snapshot();
    if (last?.admitted === admitted && last.spilled === spilled && last.refused === refused) return;
    last = { admitted, spilled, refused };
    tell({ kind: "stand", stand: last });
  }, tellMs).unref();
}
