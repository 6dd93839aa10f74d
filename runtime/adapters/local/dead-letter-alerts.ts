import type { Health, QueueAdmin } from "../../ports/index.ts";

/** How many dead letters of a queue are looked at for the oldest. */
const most = 1000;

/**
 * An alert for each queue that has dead letters, since the oldest of them came.
 * @param queues by their names
 */
export const deadLetterAlerts =
  (queues: ReadonlyMap<string, Pick<QueueAdmin, "depth" | "deadLetters">>) =>
  async (): Promise<Health["alerts"]> => {
    const found = await Promise.all(
      [...queues].map(async ([queue, admin]) => {
        const { dead } = await admin.depth();
        const oldest = dead > 0 ? (await admin.deadLetters(most)).at(-1) : undefined;
        return oldest ? [{ name: `${queue}: ${dead} dead letters`, since: oldest.at }] : [];
      }),
    );
    return found.flat();
  };
