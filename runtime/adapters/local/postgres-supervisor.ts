import { setTimeout as wait } from "node:timers/promises";
import { clusterFault, endLeftover, endServer, launch, type Place } from "./postgres-server.ts";

/** A server that is kept running. */
export interface Supervised {
  readonly port: number;
  /** Ends it for good. @throws {Error} where it was away and could not be started again */
  stop(): Promise<void>;
}

/** Longest pause between two starts, in milliseconds; the first is a second. */
const longestPauseMs = 30_000;

/**
 * Starts a server, and again whenever it ends by itself: at the same port, which programs with
 * connections know, after 1, 2, 4 … 30 seconds where it does not start.
 * @param tell is told in one line what happens
 * @throws {Error} where the first start fails
 */
export async function supervise(place: Place, tell: (line: string) => void): Promise<Supervised> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let server = await launch(place);
  const { port } = server;
  let reviving: Promise<void> | undefined;

  const say = (text: string) => tell(clusterFault(place.folder, text).message);
  const revive = async (why: string) => {
    say(`its server has ended by itself (${why}); it is started again`);
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await endLeftover(place, signal);
        await endServer(server);
        server = await launch(place, { port, signal });
        say(`its server takes connections again, at port ${port}`);
        return keep();
      } catch (error) {
        if (signal.aborted) return;
        const ms = Math.min(longestPauseMs, 1000 * 2 ** failures);
        tell(`${(error as Error).message}; it is tried again in ${ms / 1000} s`);
        await wait(ms, undefined, { signal }).catch(() => {});
      }
    }
  };
  const keep = () => {
    reviving = undefined;
    server.process.once("exit", (code, killedBy) => {
      if (!signal.aborted) reviving = revive(killedBy ?? `exit code ${code}`);
    });
  };
  keep();
  return {
    port,
    async stop() {
      const wasAway = reviving !== undefined;
      stopping.abort();
      await reviving;
      await endServer(server);
      if (wasAway)
        throw clusterFault(
          place.folder,
          "its server was away at the stop; start again, see its log",
        );
    },
  };
}
