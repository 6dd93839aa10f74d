import * as z from "zod/mini";
import { type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

const order = z.strictObject({
  orderId: z.string().check(z.regex(/^[\w-]{1,80}$/)),
  email: z.string().check(z.maxLength(254), z.email()),
  items: z
    .array(
      z.strictObject({
        sku: z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}$/)),
        quantity: z.int().check(z.minimum(1), z.maximum(999)),
      }),
    )
    .check(z.minLength(1), z.maxLength(50)),
  /** In the smallest unit of the currency. */
  total: z.int().check(z.minimum(0)),
  /** ISO 4217 */
  currency: z.string().check(z.regex(/^[A-Z]{3}$/)),
});

/**
 * Packs an order, once by its id, and tells the others. The fact is stored before it is told, and
 * told on each delivery with one id: a crash between the two is mended by the next delivery, and
 * subscribers apply what they are told once.
 */
export const create =
  ({ catalog, events }: PortsOf<"fulfil">): MessageHandler =>
  async ({ id, body }) => {
    const { success, data, error } = order.safeParse(body);
    if (!success)
      throw new PortError("invalid", `fulfil "${id}": no order; correct what sends it`, {
        cause: error,
      });
    const { orderId, items } = data;
    const key = { pk: `ORDER#${orderId}`, sk: "FULFILMENT" };
    const isFirst = await catalog.once(`FULFILMENT#${orderId}`, (writes) =>
      writes.put(key, { orderId, items, status: "packed", at: new Date().toISOString() }),
    );
    // Whoever cancels an order takes the place of its packing.
    if (!isFirst && (await catalog.get(key))?.status === "cancelled") return;
    await events.publish({
      type: "order.fulfilled",
      id: `order.fulfilled:${orderId}`,
      data: { orderId },
    });
  };
