import * as z from "zod/mini";

/** How a payment went, as the shop keeps it. */
export interface Payment {
  readonly orderId: string;
  readonly status: "paid" | "failed";
  /** In the smallest unit of the currency. */
  readonly amount: number;
  /** ISO 4217 */
  readonly currency: string;
  /** In byte order of the text later for later events of one order. */
  readonly version: string;
  /** ISO 8601, UTC */
  readonly at: string;
  readonly email?: string;
  /** Why it failed, in Stripe's codes. */
  readonly reason?: string;
}

const statuses = {
  "payment_intent.succeeded": "paid",
  "payment_intent.payment_failed": "failed",
} as const;

// Of an event and its payment intent (docs.stripe.com/api) what is used here; there are many more
// fields, and which depends on the version that an account is set to.
const ours = z.object({
  type: z.enum(["payment_intent.succeeded", "payment_intent.payment_failed"]),
  data: z.object({ object: z.object({ metadata: z.object({ order_id: z.unknown() }) }) }),
});
const code = z.nullish(z.string().check(z.maxLength(100)));
const event = z.object({
  id: z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/)),
  type: z.enum(["payment_intent.succeeded", "payment_intent.payment_failed"]),
  /** Seconds since 1970. */
  created: z.int().check(z.minimum(0), z.maximum(99_999_999_999)),
  data: z.object({
    object: z.object({
      amount: z.int().check(z.minimum(0)),
      amount_received: z.nullish(z.int().check(z.minimum(0))),
      currency: z.string().check(z.regex(/^[a-z]{3}$/i)),
      metadata: z.object({ order_id: z.string().check(z.regex(/^[\w-]{1,80}$/)) }),
      receipt_email: z.nullish(z.string()),
      last_payment_error: z.nullish(z.object({ code, decline_code: code })),
    }),
  }),
});
const email = z.string().check(z.maxLength(254), z.email());

export type Read = { readonly payment?: Payment; readonly fault?: string };

/**
 * What an event says of an order's payment: nothing, where it is of another type or the payment
 * is not for an order (one account may serve more than this shop).
 */
export function paymentOf(value: unknown): Read {
  if (!ours.safeParse(value).success) return {};
  const { success, data, error } = event.safeParse(value);
  if (!success) {
    const fields = error.issues.map(({ path }) => path.join(".")).join(", ");
    return { fault: `the event has fields that do not fit: ${fields}` };
  }
  const { id, type, created, data: content } = data;
  const intent = content.object;
  const status = statuses[type];
  const address = email.safeParse(intent.receipt_email);
  const failure = intent.last_payment_error;
  return {
    payment: {
      orderId: intent.metadata.order_id,
      status,
      amount: (status === "paid" ? intent.amount_received : undefined) ?? intent.amount,
      currency: intent.currency.toUpperCase(),
      version: versionOf(created, status, id),
      at: new Date(created * 1000).toISOString(),
      ...(address.success && { email: address.data }),
      ...(status === "failed" && { reason: failure?.decline_code || failure?.code || "unknown" }),
    },
  };
}

/**
 * By time; within one second, which is all that Stripe gives, a payment succeeds after it failed
 * (a payment intent that succeeded is final).
 */
const versionOf = (created: number, status: Payment["status"], id: string): string =>
  `${String(created).padStart(11, "0")}.${status === "paid" ? 1 : 0}.${id}`;
