import { claimsOf, createApp } from "../../runtime/http/app.ts";
import { body } from "../../runtime/http/validate.ts";
import { idempotencyKey } from "../idempotency.ts";
import { cancelOrder, newOrder, ordersPage, ownOrder, place, wanted } from "../ordering.ts";
import type { PortsOf } from "../ports.ts";

const wantedOf = body(wanted);
const pageFields = { size: "limit", cursor: "cursor" };

/** Orders over REST: placed once by an Idempotency-Key, listed and cancelled by who placed them. */
export const create = ({ ledger, catalog, placed }: PortsOf<"orders">) =>
  createApp()
    .basePath("/api/v1/orders")
    .post("/", async (c) => {
      const key = idempotencyKey(c.req.raw);
      const wish = newOrder(await wantedOf(c.req.raw), key, claimsOf(c));
      const order = await place({ ledger, placed }, wish);
      return c.json(order, 201, { location: `/api/v1/orders/${order.id}` });
    })
    .get("/", async (c) => {
      const { limit = "20", cursor } = c.req.query();
      const size = /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
      return c.json(await ordersPage(ledger, claimsOf(c).sub, { size, cursor }, pageFields));
    })
    .get("/:id", async (c) => {
      const order = await ownOrder(ledger, claimsOf(c).sub, c.req.param("id"));
      return c.json(order);
    })
    .delete("/:id", async (c) => {
      await cancelOrder({ ledger, catalog, placed }, claimsOf(c).sub, c.req.param("id"));
      return c.body(null, 204);
    });
