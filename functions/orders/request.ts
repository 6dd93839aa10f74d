import * as z from "zod/mini";
import { Problem } from "../../runtime/http/problem.ts";
import { body } from "../../runtime/http/validate.ts";
import type { Claims } from "../../runtime/ports/index.ts";
import { items } from "../basket.ts";
import { currency, productOf } from "../catalogue.ts";
import { digest, idempotencyKey, idOf } from "../idempotency.ts";
import type { NewOrder } from "../ledger.ts";

const email = z.string().check(z.trim(), z.maxLength(254), z.email("must be an e-mail address"));

const wanted = body(
  z.strictObject({
    items,
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
  const key = idempotencyKey(request);
  const { items: lines, email: given } = await wanted(request);
  const to = email.safeParse(claims.email).data ?? given;
  if (to === undefined) throw misfit("email", "is missing");
  const prices = lines.map(({ sku, quantity }, index) => {
    const product = productOf(sku);
    if (!product) throw misfit(`items.${index}.sku`, "is not sold here");
    if (lines.findIndex((one) => one.sku === sku) < index)
      throw misfit(`items.${index}.sku`, "stands twice");
    return product.price * quantity;
  });
  return {
    id: `or_${idOf(claims.sub, key)}`,
    owner: claims.sub,
    fingerprint: digest([to, lines]),
    email: to,
    items: lines,
    total: prices.reduce((sum, price) => sum + price, 0),
    currency,
  };
}

/** Whether an id could be an order's. */
export const isOrderId = (id: string): boolean => /^or_[\da-f]{32}$/.test(id);
