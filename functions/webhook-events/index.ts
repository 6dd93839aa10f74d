import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { isPortError, type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { contentOf } from "./content.ts";
import { type Payment, paymentOf, type Read } from "./stripe.ts";

type Ports = PortsOf<"webhookEvents">;

const webhook = z.strictObject({
  source: z.string().check(z.regex(/^[a-z][a-z0-9-]{0,39}$/)),
  eventId: z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/)),
  receivedAt: z.iso.datetime(),
  contentType: z.string().check(z.maxLength(200)),
  encoding: z.enum(["utf-8", "base64"]),
  body: z.string(),
});
type Webhook = z.infer<typeof webhook>;

/**
 * Records each webhook once, however often it was delivered: by its source and event id. Stripe's
 * payments move their orders, the others are told to whom it may concern. What was verified and yet
 * is not what it should be is recorded with the reason, and goes to the dead letters.
 */
export const create =
  (ports: Ports): MessageHandler =>
  async ({ id, body }) => {
    const { success, data, error } = webhook.safeParse(body);
    if (!success)
      throw new PortError("invalid", `webhook-events "${id}": no webhook; discard the message`, {
        cause: error,
      });
    const { payment, fault } = read(data);
    const key = `WEBHOOK#${data.source}#${data.eventId}`;
    await ports.catalog.once(key, (writes) =>
      writes.put({ pk: key, sk: "EVENT" }, fault ? { ...data, reason: fault } : data),
    );
    if (fault)
      throw new PortError(
        "invalid",
        `webhook-events "${data.source} ${data.eventId}": ${fault}; look at the record, then discard`,
      );
    if (payment) await settle(ports, data, payment);
    if (data.source !== "stripe") await tell(ports, data);
  };

function read(data: Webhook): Read {
  const content = contentOf(data);
  if (content.kind === "malformed") return { fault: content.reason };
  return data.source === "stripe" && content.kind === "json" ? paymentOf(content.value) : {};
}

/**
 * Moves the order, and says so. `once` tells apart what was applied here before (it is told again,
 * for the try before may have ended between the two) and what came too late, which changes nothing.
 */
async function settle({ catalog, events }: Ports, { eventId }: Webhook, payment: Payment) {
  const { email, reason, ...document } = payment;
  const { orderId, amount, currency } = document;
  try {
    await catalog.once(`PAYMENT#stripe#${eventId}`, (writes) =>
      writes.put({ pk: `ORDER#${orderId}`, sk: "PAYMENT" }, document, { ifNewer: "version" }),
    );
  } catch (error) {
    if (isPortError(error, "conflict")) return;
    throw error;
  }
  await events.publish(
    payment.status === "paid"
      ? {
          type: "order.paid",
          id: eventId,
          data: { orderId, amount, currency, ...(email !== undefined && { email }) },
        }
      : { type: "payment.failed", id: eventId, data: { orderId, reason: reason ?? "unknown" } },
  );
}

const tell = ({ facts }: Ports, { source, eventId }: Webhook) =>
  facts.publish({
    type: "webhook.received",
    id: factId(`${source}:${eventId}`),
    data: { source, eventId },
  });

/** Ids of events have at most 200 characters. */
const factId = (text: string): string =>
  text.length <= 200 ? text : `sha256:${createHash("sha256").update(text).digest("hex")}`;
