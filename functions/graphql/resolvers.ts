import { unauthorized } from "../../runtime/http/problem.ts";
import { checked } from "../../runtime/http/validate.ts";
import type { Claims } from "../../runtime/ports/index.ts";
import { currency, productOf, skus } from "../catalogue.ts";
import { checkedKey } from "../idempotency.ts";
import { findOrders, type Line, type Order } from "../ledger.ts";
import { cancelOrder, isOrderId, newOrder, ordersPage, place, wanted } from "../ordering.ts";
import type { PortsOf } from "../ports.ts";
import { unitsLeft } from "../stock.ts";
import { batched } from "./batches.ts";

type Ports = PortsOf<"graphql">;

/** What resolvers have for the time of a request. */
export interface Scope {
  readonly claims: Claims;
  readonly orderBy: (id: string) => Promise<Order | undefined>;
  readonly unitsOf: (sku: string) => Promise<number | null | undefined>;
}

/** How old a product's units may be that are shown, in seconds; orders count for themselves. */
const unitsSeconds = 5;
const pageFields = { size: "first", cursor: "after" };

/** @throws {Problem} 401 without claims */
export function scopeOf({ ledger, catalog, live }: Ports, claims: Claims | undefined): Scope {
  if (!claims) throw unauthorized("A valid access token is needed.");
  return {
    claims,
    orderBy: batched(async (ids) => {
      const orders = await findOrders(ledger, claims.sub, ids);
      return new Map(orders.map((order) => [order.id, order]));
    }),
    unitsOf: batched(async (some) => {
      const read = async (sku: string) =>
        live.through(`units:${sku}`, { ttlSeconds: unitsSeconds }, () => unitsLeft(catalog, sku));
      const units = await Promise.all(some.map(read));
      return new Map(some.map((sku, index) => [sku, units[index] ?? null]));
    }),
  };
}

const soldAs = (sku: string) => (productOf(sku) ? { sku } : null);

/** The same domain as over REST; a field that is not here is a property of what it is asked of. */
export const resolversOf = ({ ledger, catalog, placed }: Ports) => ({
  Query: {
    order: (_: unknown, { id }: { id: string }, { orderBy }: Scope) =>
      isOrderId(id) ? orderBy(id) : null,
    orders: async (
      _: unknown,
      { first, after }: { first: number; after?: string | null },
      { claims }: Scope,
    ) => {
      const asked = { size: first, cursor: after ?? undefined };
      const { orders, cursor } = await ordersPage(ledger, claims.sub, asked, pageFields);
      return { nodes: orders, cursor };
    },
    products: () => skus.map((sku) => ({ sku })),
    product: (_: unknown, { sku }: { sku: string }) => soldAs(sku),
  },
  Mutation: {
    placeOrder: (_: unknown, { key, input }: { key: string; input: object }, { claims }: Scope) => {
      // What is null in GraphQL is absent here.
      const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
      const wish = checked(wanted, given, "The input has fields that do not fit.");
      return place({ ledger, placed }, newOrder(wish, checkedKey(key, "key"), claims));
    },
    cancelOrder: (_: unknown, { id }: { id: string }, { claims }: Scope) =>
      cancelOrder({ ledger, catalog, placed }, claims.sub, id),
  },
  Order: {
    total: ({ total: amount, currency }: Order) => ({ amount, currency }),
  },
  Line: { product: ({ sku }: Line) => soldAs(sku) },
  Product: {
    price: ({ sku }: { sku: string }) => ({ amount: productOf(sku)?.price, currency }),
    available: ({ sku }: { sku: string }, _: unknown, { unitsOf }: Scope) => unitsOf(sku),
  },
});
