import { type Cache, isPortError, type JsonObject } from "../runtime/ports/index.ts";

/** A message of a room: the same id each time that it is told. */
export type RoomMessage = JsonObject & { readonly id: string };

/** What a room remembers, for those who come back: so many messages, for a day after the last. */
export const remembered = { keep: 200, ttlSeconds: 86_400 };

/** The room of an owner's orders, which is nobody else's. */
export const ordersOf = (owner: string): string => `orders:${owner}`;

/**
 * Tells all in a room, and those who come back to it. At least once, where it is tried again: who
 * listens knows a message by its id.
 * @returns where the message stands in the room's log
 * @throws `unavailable` where nobody knows whether it is in the log
 */
export async function tell(
  live: Pick<Cache, "append" | "publish">,
  room: string,
  message: RoomMessage,
): Promise<string> {
  const position = await live.append(room, message, remembered);
  // A bell: what there is to hear is in the log, where all who follow look now and then anyway.
  await live.publish(room, { position }).catch((error) => {
    if (!isPortError(error, "unavailable")) throw error;
  });
  return position;
}
