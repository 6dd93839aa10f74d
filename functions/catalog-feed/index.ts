import type { ChangeHandler, Event, TableChange } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

/**
 * What a change of the catalog means to others, or nothing: a profile that is new, a picture whose
 * sizes were made, or made anew. The event has the change's id, so that it is one for all tries.
 */
export function eventOf({ id, key: { pk, sk }, before, after }: TableChange): Event | undefined {
  if (!after) return undefined;
  const [, kind, name] = /^(USER|IMAGE)#(.+)$/s.exec(pk) ?? [];
  if (name === undefined) return undefined;
  if (kind === "USER" && sk === "PROFILE" && !before)
    return { type: "user.created", id: `catalog:${id}`, data: { userId: name } };
  if (kind === "IMAGE" && sk === "META")
    return { type: "image.ready", id: `catalog:${id}`, data: { key: name } };
  return undefined;
}

/** Publishes what changes of the catalog mean. */
export const create =
  ({ events }: PortsOf<"catalogFeed">): ChangeHandler =>
  async (change) => {
    const event = eventOf(change);
    if (event) await events.publish(event);
  };
