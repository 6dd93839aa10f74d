import * as z from "zod/mini";
import { type JsonObject, PortError, type StepContext } from "../../runtime/ports/index.ts";
import { items } from "../basket.ts";
import { currency, productOf } from "../catalogue.ts";

const email = z.string().check(z.maxLength(254), z.email());
const source = z.string().check(z.regex(/^tok_\w{1,60}$/));

const input = z.strictObject({
  items,
  source,
  email,
  /** What the customer was shown, where it was: then it must be what it costs. */
  total: z.optional(z.int()),
  currency: z.optional(z.string()),
});

const order = z.object({ items, source, email, total: z.int(), currency: z.string() });

/** An order that was found valid: what `validate` returns, and later steps go by. */
export type Order = z.infer<typeof order>;

/**
 * The order that an execution was started with, at today's prices.
 * @throws `invalid` for what cannot be sold so
 */
export function orderOf(id: string, given: JsonObject): Order {
  const refuse = (what: string, cause?: unknown) =>
    new PortError("invalid", `checkout "${id}": ${what}; correct the order`, { cause });
  const { success, data, error } = input.safeParse(given);
  if (!success) throw refuse("fields that do not fit", error);
  const skus = data.items.map(({ sku }) => sku);
  const twice = skus.find((sku, index) => skus.indexOf(sku) < index);
  if (twice) throw refuse(`${twice} stands twice`);
  const total = data.items
    .map(({ sku, quantity }) => {
      const product = productOf(sku);
      if (!product) throw refuse(`${sku} is not sold here`);
      return product.price * quantity;
    })
    .reduce((sum, price) => sum + price, 0);
  if ((data.total ?? total) !== total || (data.currency ?? currency) !== currency)
    throw refuse(`it costs ${total} ${currency}, not what was shown`);
  return { items: data.items, source: data.source, email: data.email, total, currency };
}

/** The order as `validate` found it, or `undefined` where it did not come so far. */
export function validated({ results }: StepContext): Order | undefined {
  return order.safeParse(results.validate).data;
}

/** The same for steps that come after `validate`. @throws `invalid` where it did not return one */
export function validOrder(context: StepContext): Order {
  const found = validated(context);
  if (!found)
    throw new PortError("invalid", `checkout "${context.id}": it was not validated; start it anew`);
  return found;
}

/** Where a customer can be written to, if the order says so. */
export const addressIn = (given: JsonObject): string | undefined =>
  email.safeParse(given.email).data;
