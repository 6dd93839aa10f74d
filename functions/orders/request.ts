import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { Problem } from "../../runtime/http/problem.ts";
import { body } from "../../runtime/http/validate.ts";
import type { Claims } from "../../runtime/ports/index.ts";
import { currency, productOf } from "../catalogue.ts";
import type { NewOrder } from "../ledger.ts";

const email = z.string().check(z.trim(), z.maxLength(254), z.email("must be an e-mail address"));

const wanted = body(
  z.strictObject({
    items: z
      .array(
        z.strictObject({
          sku: z
            .string()
            .check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "must be a name such as print-a4")),
          quantity: z.int().check(z.minimum(1), z.maximum(99)),
        }),
      )
      .check(z.minLength(1), z.maxLength(20)),
    email: z.optional(email),
  }),
);

const misfit = (field: string, message: string) =>
  new Problem("invalid", {
    detail: "The body has fields that do not fit.",
    errors: [{ field, message }],
  });

/**
 * The order that a request asks for, at today's prices.
 * @throws {Problem} 400 for what is not sold, with the field's name
 */
export async function newOrder(request: Request, claims: Claims): Promise<NewOrder> {
  const key = request.headers.get("idempotency-key") ?? "";
  if (!/^[\x20-\x7e]{1,255}$/.test(key))
    throw new Problem("invalid", {
      detail: "Send an Idempotency-Key, so that a second try does not order twice.",
      errors: [{ field: "Idempotency-Key", message: "must be 1 to 255 characters" }],
    });
  const { items, email: given } = await wanted(request);
  const to = email.safeParse(claims.email).data ?? given;
  if (to === undefined) throw misfit("email", "is missing");
  const prices = items.map(({ sku, quantity }, index) => {
    const product = productOf(sku);
    if (!product) throw misfit(`items.${index}.sku`, "is not sold here");
    if (items.findIndex((one) => one.sku === sku) < index)
      throw misfit(`items.${index}.sku`, "stands twice");
    return product.price * quantity;
  });
  return {
    id: `or_${digest([claims.sub, key]).slice(0, 32)}`,
    owner: claims.sub,
    fingerprint: digest([to, items]),
    email: to,
    items,
    total: prices.reduce((sum, price) => sum + price, 0),
    currency,
  };
}

/** Whether an id could be an order's. */
export const isOrderId = (id: string): boolean => /^or_[\da-f]{32}$/.test(id);

const digest = (parts: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");
