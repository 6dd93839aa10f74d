import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

const event = z.object({
  id: z.string().check(z.regex(/^[\x20-\x7e]{1,200}$/)),
  type: z.string().check(z.minLength(1), z.maxLength(200)),
  at: z.iso.datetime(),
  data: z.record(z.string(), z.json()),
});

const paid = z.object({
  orderId: z.string().check(z.minLength(1), z.maxLength(200)),
  email: z.optional(z.string().check(z.maxLength(254), z.email())),
});

/** Days after the payment at which a customer is asked for a review. */
const reviewAfterDays = 7;
const dayMs = 86_400_000;

/** The id of the review mail's schedule: at most 60 characters of few kinds, as schedulers want. */
export const reviewId = (orderId: string): string =>
  `review-${/^[\w.-]{1,53}$/.test(orderId) ? orderId : createHash("sha256").update(orderId).digest("hex").slice(0, 40)}`;

/**
 * Keeps what happened, once by the event's id, in the partition of its day (UTC), and asks for a
 * review a week after a payment. A second delivery moves that schedule to where it is.
 */
export const create =
  ({ catalog, later }: PortsOf<"activity">): MessageHandler =>
  async ({ id: messageId, body }) => {
    const read = event.safeParse(body);
    const payment = read.data?.type === "order.paid" ? paid.safeParse(read.data.data) : undefined;
    if (!read.success || payment?.success === false)
      throw new PortError(
        "invalid",
        `activity "${messageId}": no event that is known; correct what publishes it`,
        { cause: read.error ?? payment?.error },
      );
    const { id, type, data } = read.data;
    // Publishers differ in their fractions of a second; as sort keys all have three digits.
    const at = new Date(read.data.at).toISOString();
    await catalog.once(`ACTIVITY#${id}`, (writes) =>
      writes.put({ pk: `ACTIVITY#${at.slice(0, 10)}`, sk: `${at}#${id}` }, { id, type, at, data }),
    );
    if (!payment?.data.email) return;
    const { orderId, email } = payment.data;
    const review = reviewId(orderId);
    await later.at(review, new Date(Date.parse(at) + reviewAfterDays * dayMs), {
      template: "review",
      id: review,
      to: email,
      data: { orderId },
    });
  };
