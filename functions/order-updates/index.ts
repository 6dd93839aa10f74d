import * as z from "zod/mini";
import { isPortError, type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import { moveOn, ownerOf } from "../ledger.ts";
import type { PortsOf } from "../ports.ts";
import { ordersOf, tell } from "../rooms.ts";

const fulfilled = z.object({
  type: z.literal("order.fulfilled"),
  data: z.object({ orderId: z.string().check(z.regex(/^[\w-]{1,80}$/)) }),
});

/** Deliveries for which a cache is waited for that is away. */
const patience = 3;

/**
 * Notes in the ledger what happened to an order, and tells who watches it. A second delivery notes
 * nothing and tells the same again; orders of another origin are not in the ledger, and are left
 * alone.
 */
export const create =
  ({ ledger, live }: PortsOf<"orderUpdates">): MessageHandler =>
  async ({ id, body, receives }) => {
    const { success, data, error } = fulfilled.safeParse(body);
    if (!success)
      throw new PortError(
        "invalid",
        `orderUpdates "${id}": no order that was fulfilled; correct what publishes it`,
        { cause: error },
      );
    const { orderId } = data.data;
    await moveOn(ledger, orderId, "fulfilled");
    const owner = await ownerOf(ledger, orderId);
    if (owner === undefined) return;
    const message = { id: `${orderId}:fulfilled`, type: "order.fulfilled", orderId };
    await tell(live, ordersOf(owner), message).catch((cause) => {
      // Who watches is told what can be asked for anyway: no order is set aside for it.
      if (receives < patience || !isPortError(cause, "unavailable")) throw cause;
    });
  };
