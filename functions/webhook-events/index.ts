import * as z from "zod/mini";
import { type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

const webhook = z.strictObject({
  source: z.string().check(z.regex(/^[a-z][a-z0-9-]{0,39}$/)),
  eventId: z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/)),
  receivedAt: z.iso.datetime(),
  contentType: z.string().check(z.maxLength(200)),
  encoding: z.enum(["utf-8", "base64"]),
  body: z.string(),
});

/** Records each webhook once, however often it was delivered: by its source and event id. */
export const create =
  ({ catalog }: PortsOf<"webhookEvents">): MessageHandler =>
  async ({ id, body }) => {
    const { success, data, error } = webhook.safeParse(body);
    if (!success)
      throw new PortError("invalid", `webhook-events "${id}": no webhook; discard the message`, {
        cause: error,
      });
    const key = `WEBHOOK#${data.source}#${data.eventId}`;
    await catalog.once(key, (writes) => writes.put({ pk: key, sk: "EVENT" }, data));
  };
