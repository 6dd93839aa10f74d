import * as z from "zod/mini";
import type { JsonObject, ScheduleHandler } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

type Ports = PortsOf<"nightlyCleanup">;

/** How long one run goes on with each kind, in milliseconds: with the other, 120 s of its 180. */
const budgetMs = 60_000;
const pageSize = 100;
/** Rows that are worked on at once. */
const width = 16;
/**
 * How long after its form expired an upload without an image is given up, in milliseconds: a day,
 * so that thumbnails that are behind, or set aside and tried again, still find their original.
 */
const patienceMs = 86_400_000;

const uploadRow = z.object({ id: z.string(), key: z.string() });
const sessionRow = z.object({ id: z.string(), pk: z.string() });

/**
 * Removes uploads that never became images, and checkout sessions that expired, the oldest first.
 * Rows of an index go last, so that nothing is forgotten half removed; what a run has no time for,
 * the next one does, and the note in the chat says so. A run that is tried again, as where the chat
 * could not be reached, finds only what is left.
 */
export const create =
  (ports: Ports): ScheduleHandler =>
  async ({ scheduledAt }) => {
    const now = scheduledAt.getTime();
    const uploads = await removeDue(ports, "UPLOADS", now - patienceMs, removeUpload);
    const sessions = await removeDue(ports, "SESSIONS", now, removeSession);
    const more = uploads.more || sessions.more;
    await ports.chat.post({
      text:
        `Cleaned up: ${uploads.removed} expired uploads, ${sessions.removed} expired sessions.` +
        (more ? " There is more: the next run goes on with it." : ""),
    });
  };

/** Removes what a row of an index names. False: there is nothing of it, or it is to stay. */
type Remove = (ports: Ports, row: JsonObject) => Promise<boolean>;

/** Works off the rows of an index that are due: its sort keys begin with the time. */
async function removeDue(
  ports: Ports,
  pk: "UPLOADS" | "SESSIONS",
  due: number,
  remove: Remove,
): Promise<{ readonly removed: number; readonly more: boolean }> {
  const before = new Date(due).toISOString();
  const started = performance.now();
  let removed = 0;
  let cursor: string | undefined;
  do {
    const page = await ports.catalog.query(pk, { limit: pageSize, cursor });
    const items = page.items.filter(({ sk }) => sk < before);
    await inTurns(items, async (item) => {
      if (await remove(ports, item.document)) removed += 1;
      await ports.catalog.delete(item);
    });
    if (items.length < page.items.length) return { removed, more: false };
    cursor = page.cursor;
  } while (cursor !== undefined && performance.now() - started < budgetMs);
  return { removed, more: cursor !== undefined };
}

/** An image is kept, with its upload; else the object goes, and all that is known of it. */
const removeUpload: Remove = async ({ catalog, media }, row) => {
  const { success, data } = uploadRow.safeParse(row);
  if (!success) return false;
  const image = `IMAGE#${data.key}`;
  const { items } = await catalog.query(image, { prefix: "META", limit: 1 });
  if (items.some(({ sk }) => sk === "META")) return false;
  await media.delete(data.key);
  await removeAll(catalog, image);
  await catalog.delete({ pk: `UPLOAD#${data.id}`, sk: "META" });
  return true;
};

const removeSession: Remove = async ({ catalog }, row) => {
  const { success, data } = sessionRow.safeParse(row);
  if (success) await removeAll(catalog, data.pk);
  return success;
};

/** Removes all documents of a partition. */
async function removeAll(catalog: Ports["catalog"], pk: string): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await catalog.query(pk, { cursor });
    await inTurns(page.items, (item) => catalog.delete(item));
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Some at once. The first failure is thrown when all that were begun have ended. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const failures: unknown[] = [];
  const worker = async () => {
    while (left.length > 0 && failures.length === 0)
      await work(left.shift() as T).catch((error) => failures.push(error));
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) throw failures[0];
}
