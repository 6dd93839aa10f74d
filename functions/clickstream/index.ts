import { isPortError, PortError, type RecordHandler } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { clickOf, firstPart, isAfter, type Part } from "./counts.ts";

type Ports = PortsOf<"clickstream">;

/** How far a shard was counted, and how many times that was stored. */
interface Checkpoint {
  readonly sequence?: string;
  readonly turn: number;
}

/** `once` takes 99 writes; one of them is the checkpoint. */
const mostCounts = 98;

/**
 * Counts clicks by page and hour, each exactly once: counts and how far the shard was counted are
 * stored together, and what is not beyond that was counted before. A record that is no click fails
 * before anything of its batch is counted; the host then tries in halves until it stands alone.
 */
export const create =
  (ports: Ports): RecordHandler =>
  async ({ shard, records }) => {
    let last: Checkpoint | undefined;
    for (;;) {
      // Read again for each part: another reader of the shard may have come further meanwhile.
      const checkpoint = await checkpointOf(ports, shard);
      const fresh = records
        .filter(({ sequence }) => isAfter(sequence, checkpoint.sequence))
        .map(clickOf);
      if (fresh.length === 0) return;
      if (checkpoint.turn === last?.turn)
        throw new PortError(
          "unavailable",
          `clickstream "${shard}": its clicks were counted, but not how far; restore its checkpoint`,
        );
      await apply(ports, shard, checkpoint, firstPart(fresh, mostCounts));
      last = checkpoint;
    }
  };

const checkpointKey = (shard: string) => ({ pk: `CLICKS#${shard}`, sk: "CHECKPOINT" });
const turnOf = (turn: number): string => String(turn).padStart(16, "0");

async function checkpointOf({ catalog }: Ports, shard: string): Promise<Checkpoint> {
  const document = await catalog.get(checkpointKey(shard));
  return {
    ...(typeof document?.sequence === "string" && { sequence: document.sequence }),
    turn: Number(document?.turn ?? 0),
  };
}

/**
 * Counts, where the checkpoint is still the one that was read: a reader that was overtaken, or
 * whose first click another one counted, changes nothing. Counts are kept by shard, so that
 * readers of other shards never write them.
 */
async function apply({ catalog }: Ports, shard: string, { turn }: Checkpoint, part: Part) {
  const documents = await Promise.all(
    part.counts.map(async ({ page, hour, count }) => {
      const key = { pk: `CLICKS#${page}`, sk: `${hour}#${shard}` };
      const before = (await catalog.get(key))?.count;
      return { key, count: count + (typeof before === "number" ? before : 0) };
    }),
  );
  try {
    await catalog.once(`clicks#${shard}#${part.first}`, (writes) => {
      for (const { key, count } of documents) writes.put(key, { count });
      const next = { sequence: part.last, turn: turnOf(turn + 1) };
      writes.put(checkpointKey(shard), next, { ifNewer: "turn" });
    });
  } catch (error) {
    if (!isPortError(error, "conflict")) throw error;
  }
}
