/**
 * Ties a program to the host that started it. Imported first, so that it holds from the beginning:
 * whatever ends the program by itself is told, and it ends when its host is gone.
 */

/** What a program tells its host. */
export type Told =
  | { readonly kind: "ready"; readonly port?: number }
  | { readonly kind: "stand"; readonly stand: Stand }
  | { readonly kind: "failed"; readonly reason: string };

/** What its admission control has counted since the program began. */
export interface Stand {
  readonly admitted: number;
  readonly spilled: number;
  readonly refused: number;
}

/** How long it may take to end by itself once nobody waits for it any more, in milliseconds. */
const lonelyMs = 5_000;

export const tell = (told: Told): void => {
  if (process.connected) process.send?.(told);
};

process.on("uncaughtException", (error: unknown) => {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  console.error(stack ?? message);
  // Ends as soon as it has been said.
  if (!process.connected || !process.send) process.exit(1);
  process.send({ kind: "failed", reason: message } satisfies Told, () => process.exit(1));
});
process.once("disconnect", () => {
  setTimeout(() => process.exit(1), lonelyMs).unref();
  process.kill(process.pid, "SIGTERM");
});
