import * as z from "zod/mini";
import { type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

const envelope = z.strictObject({
  id: z.string().check(z.regex(/^[\x20-\x7e]{1,200}$/)),
  type: z.string().check(z.minLength(1), z.maxLength(200)),
  source: z.string().check(z.minLength(1), z.maxLength(200)),
  at: z.iso.datetime(),
  data: z.json(),
});

/** Keeps the facts of the bus as they came, once by their id, in the partition of their day (UTC). */
export const create =
  ({ catalog }: PortsOf<"audit">): MessageHandler =>
  async ({ id: messageId, body }) => {
    const { success, data, error } = envelope.safeParse(body);
    if (!success)
      throw new PortError("invalid", `audit "${messageId}": no fact; correct what publishes it`, {
        cause: error,
      });
    // A bus may give whole seconds; as sort keys all times have three digits of fraction.
    const at = new Date(data.at).toISOString();
    await catalog.once(`AUDIT#${data.id}`, (writes) =>
      writes.put({ pk: `AUDIT#${at.slice(0, 10)}`, sk: `${at}#${data.id}` }, data),
    );
  };
