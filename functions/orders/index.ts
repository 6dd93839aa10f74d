import { claimsOf, createApp } from "../../runtime/http/app.ts";
import { Problem } from "../../runtime/http/problem.ts";
import { findOrder, listOrders, moveOn, placeOrder, readCursor } from "../ledger.ts";
import { relay } from "../outbox.ts";
import type { PortsOf } from "../ports.ts";
import { isOrderId, newOrder } from "./request.ts";

type Ports = PortsOf<"orders">;

/** Orders over REST: placed once by an Idempotency-Key, listed and cancelled by who placed them. */
export const create = ({ ledger, catalog, placed }: Ports) =>
  createApp()
    .basePath("/api/v1/orders")
    .post("/", async (c) => {
      const order = await placeOrder(ledger, await newOrder(c.req.raw, claimsOf(c)));
      if (!order)
        throw new Problem("conflict", {
          detail: "This Idempotency-Key was used for another order.",
        });
      await tell({ ledger, placed }, order.id);
      return c.json(order, 201, { location: `/api/v1/orders/${order.id}` });
    })
    .get("/", async (c) => {
      const { sub } = claimsOf(c);
      return c.json(await listOrders(ledger, sub, pageOf(c.req.query())));
    })
    .get("/:id", async (c) => {
      const order = await ownOrder(ledger, claimsOf(c).sub, c.req.param("id"));
      return c.json(order);
    })
    .delete("/:id", async (c) => {
      const order = await ownOrder(ledger, claimsOf(c).sub, c.req.param("id"));
      if (order.status === "placed") await cancel({ ledger, catalog }, order.id);
      if (order.status === "fulfilled") throw packed();
      return c.body(null, 204);
    });

const packed = () =>
  new Problem("conflict", { detail: "It is packed already; send it back when it arrives." });

async function ownOrder(ledger: Ports["ledger"], owner: string, id: string) {
  const order = isOrderId(id) ? await findOrder(ledger, owner, id) : undefined;
  if (!order) throw new Problem("not-found", { detail: "You have no such order." });
  return order;
}

/**
 * Hands an order on at once, where it can; where not, it stands in the outbox, and the relay comes
 * by every minute.
 */
const tell = async ({ ledger, placed }: Pick<Ports, "ledger" | "placed">, id: string) => {
  await relay(ledger, placed, [id]).catch((error) =>
    console.error(JSON.stringify({ level: "warn", order: id, error: String(error) })),
  );
};

/**
 * Takes the place of the order's packing, which happens once: whoever comes first has it. Then the
 * ledger is told; where that fails, the same request again does it.
 */
async function cancel({ ledger, catalog }: Pick<Ports, "ledger" | "catalog">, id: string) {
  const key = { pk: `ORDER#${id}`, sk: "FULFILMENT" };
  const taken = await catalog.once(`FULFILMENT#${id}`, (writes) =>
    writes.put(key, { orderId: id, status: "cancelled", at: new Date().toISOString() }),
  );
  if (!taken && (await catalog.get(key))?.status !== "cancelled") throw packed();
  await moveOn(ledger, id, "cancelled");
}

function pageOf({ limit = "20", cursor }: Record<string, string>) {
  const fault = (field: string, message: string) =>
    new Problem("invalid", {
      detail: "The address has parameters that do not fit.",
      errors: [{ field, message }],
    });
  if (!/^([1-9]\d?|100)$/.test(limit)) throw fault("limit", "must be 1 to 100");
  const after = cursor === undefined ? undefined : readCursor(cursor);
  if (cursor !== undefined && !after) throw fault("cursor", "is not one of this list");
  return { limit: Number(limit), ...(after && { after }) };
}
