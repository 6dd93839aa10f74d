import * as z from "zod/mini";
import { type FieldFault, Problem } from "../runtime/http/problem.ts";
import type { Claims, Queue, Sql, Table } from "../runtime/ports/index.ts";
import { items } from "./basket.ts";
import { currency, productOf } from "./catalogue.ts";
import { digest, idOf } from "./idempotency.ts";
import {
  findOrders,
  listOrders,
  moveOn,
  type NewOrder,
  type Order,
  type OrderPage,
  placeOrder,
  readCursor,
} from "./ledger.ts";
import { sendNow } from "./outbox.ts";

/** What taking orders needs. */
export interface OrderPorts {
  readonly ledger: Sql;
  readonly catalog: Pick<Table, "get" | "once">;
  readonly placed: Pick<Queue, "send">;
}

const email = z.string().check(z.trim(), z.maxLength(254), z.email("must be an e-mail address"));

/** What a customer sends. */
export const wanted = z.strictObject({ items, email: z.optional(email) });
export type Wanted = z.output<typeof wanted>;

const misfit = (field: string, message: string, detail: string) =>
  new Problem("invalid", { detail, errors: [{ field, message }] });

/**
 * The order that somebody asks for, at today's prices.
 * @param key by which a second try is known
 * @throws {Problem} 400 for what is not sold, with the field's name
 */
export function newOrder({ items: lines, email: given }: Wanted, key: string, claims: Claims) {
  const fault = (field: string, message: string) =>
    misfit(field, message, "The body has fields that do not fit.");
  const to = email.safeParse(claims.email).data ?? given;
  if (to === undefined) throw fault("email", "is missing");
  const prices = lines.map(({ sku, quantity }, index) => {
    const product = productOf(sku);
    if (!product) throw fault(`items.${index}.sku`, "is not sold here");
    if (lines.findIndex((one) => one.sku === sku) < index)
      throw fault(`items.${index}.sku`, "stands twice");
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
  } satisfies NewOrder;
}

/**
 * Stores an order, once, and hands it on at once where that can be; where not, it stands in the
 * outbox, and the relay comes by every minute. What was stored is answered, whatever the queue does.
 * @throws {Problem} 409 for a key that was used for another order
 */
export async function place(
  { ledger, placed }: Pick<OrderPorts, "ledger" | "placed">,
  order: NewOrder,
): Promise<Order> {
  const stored = await placeOrder(ledger, order);
  if (!stored)
    throw new Problem("conflict", { detail: "This Idempotency-Key was used for another order." });
  if (stored.message) await sendNow(ledger, placed, order.id, stored.message);
  return stored.order;
}

/** Whether an id could be an order's. */
export const isOrderId = (id: string): boolean => /^or_[\da-f]{32}$/.test(id);

/** @throws {Problem} 404 for what is no order of this owner */
export async function ownOrder(ledger: Sql, owner: string, id: string): Promise<Order> {
  const [order] = isOrderId(id) ? await findOrders(ledger, owner, [id]) : [];
  if (!order) throw new Problem("not-found", { detail: "You have no such order." });
  return order;
}

/** @throws {Problem} 404 for what is no order of this owner, 409 for one that is packed */
export async function cancelOrder(ports: OrderPorts, owner: string, id: string): Promise<Order> {
  const order = await ownOrder(ports.ledger, owner, id);
  if (order.status === "fulfilled") throw packed();
  if (order.status === "placed") await cancel(ports, order.id);
  return { ...order, status: "cancelled" };
}

const packed = () =>
  new Problem("conflict", { detail: "It is packed already; send it back when it arrives." });

/**
 * Takes the place of the order's packing, which happens once: whoever comes first has it. Then the
 * ledger is told; where that fails, the same request again does it.
 */
async function cancel({ ledger, catalog }: OrderPorts, id: string): Promise<void> {
  const key = { pk: `ORDER#${id}`, sk: "FULFILMENT" };
  const taken = await catalog.once(`FULFILMENT#${id}`, (writes) =>
    writes.put(key, { orderId: id, status: "cancelled", at: new Date().toISOString() }),
  );
  if (!taken && (await catalog.get(key))?.status !== "cancelled") throw packed();
  await moveOn(ledger, id, "cancelled");
}

/** Most orders of a page. */
export const mostOrders = 100;

/** Names of what a client asks a page by. */
interface PageFields {
  readonly size: string;
  readonly cursor: string;
}

/**
 * A page of an owner's orders, the newest first.
 * @param fields as the client knows them, for what is refused
 * @throws {Problem} 400 for a size over {@link mostOrders}, and a cursor that is none
 */
export async function ordersPage(
  ledger: Sql,
  owner: string,
  { size, cursor }: { readonly size: number; readonly cursor?: string | undefined },
  fields: PageFields,
): Promise<OrderPage> {
  const faults: FieldFault[] = [];
  if (!(Number.isInteger(size) && size >= 1 && size <= mostOrders))
    faults.push({ field: fields.size, message: `must be 1 to ${mostOrders}` });
  const after = cursor === undefined ? undefined : readCursor(cursor);
  if (cursor !== undefined && !after)
    faults.push({ field: fields.cursor, message: "is not one of this list" });
  if (faults.length > 0)
    throw new Problem("invalid", { detail: "This page cannot be given.", errors: faults });
  return listOrders(ledger, owner, { limit: size, ...(after && { after }) });
}
