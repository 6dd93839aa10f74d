import * as z from "zod/mini";
import { type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import { moveOn, ownerOf } from "../ledger.ts";
import type { PortsOf } from "../ports.ts";
import { ordersOf, tell } from "../rooms.ts";

const fulfilled = z.object({
  type: z.literal("order.fulfilled"),
  data: z.object({ orderId: z.string().check(z.regex(/^[\w-]{1,80}$/)) }),
});

/**
 * Notes in the ledger what happened to an order, and tells who watches it. A second delivery notes
 * nothing and tells the same again; orders of another origin are not in the ledger, and are left
 * alone.
 */
export const create =
  ({ ledger, live }: PortsOf<"orderUpdates">): MessageHandler =>
  async ({ id, body }) => {
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
    // A cache that is away is waited for: what is not in its log nobody hears who comes back.
    await tell(live, ordersOf(owner), message);
  };
