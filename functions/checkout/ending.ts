import type { JsonObject, StepContext } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { addressIn, type Order, validated, validOrder } from "./order.ts";
import { decide } from "./outcome.ts";
import { sell } from "./stock.ts";

type Ports = PortsOf<"checkout">;

const stateKey = (id: string) => ({ pk: `CHECKOUT#${id}`, sk: "STATE" });

/**
 * Runs what undoes, unless the checkout is confirmed. That happens where a confirmation was given
 * up and came through all the same: then the confirmation is completed, for its own try may have
 * ended anywhere.
 */
export async function unlessConfirmed(
  ports: Ports,
  context: StepContext,
  undo: () => Promise<void>,
): Promise<void> {
  const outcome = await decide(ports.catalog, context.id, "compensated");
  return outcome === "confirmed" ? complete(ports, context.id, validOrder(context)) : undo();
}

/**
 * All that a confirmed checkout brings about. May be called again, from where another call ended:
 * the stock is sold once, and what is sent has the same ids each time.
 */
export async function complete(ports: Ports, orderId: string, order: Order): Promise<void> {
  const { catalog, placed, events, mails } = ports;
  if (await isTold(ports, orderId)) return;
  const { items, email, total, currency } = order;
  for (const line of items) await sell(catalog, orderId, line);
  await placed.send({ orderId, email, items, total, currency });
  await events.publish({
    type: "order.placed",
    id: `order.placed:${orderId}`,
    data: { orderId, total, currency },
  });
  await events.publish({
    type: "order.paid",
    id: `order.paid:${orderId}`,
    data: { orderId, amount: total, currency, email },
  });
  await mails.send({
    template: "receipt",
    id: `receipt-${orderId}`,
    to: email,
    data: { orderId, items, total, currency },
  });
  await tell(ports, orderId, { status: "confirmed", total, currency });
}

/** What a customer is told was in the way, by the step that failed. */
const reasons = { validate: "order", reserve: "stock", pay: "payment" } as const;

/** Tells the customer, where there is an address, that there will be no order. */
export async function apologise(ports: Ports, context: StepContext): Promise<void> {
  const { id: orderId, failed, input } = context;
  if (await isTold(ports, orderId)) return;
  const step = failed?.step ?? "";
  const because = Object.hasOwn(reasons, step) ? reasons[step as keyof typeof reasons] : "other";
  const to = validated(context)?.email ?? addressIn(input);
  if (to !== undefined)
    await ports.mails.send({
      template: "apology",
      id: `apology-${orderId}`,
      to,
      data: { orderId, because },
    });
  await tell(ports, orderId, { status: "compensated", because });
}

const isTold = async ({ catalog }: Ports, id: string): Promise<boolean> =>
  (await catalog.get(stateKey(id))) !== undefined;

/** Written last: all has been said then, and need not be said again. */
const tell = ({ catalog }: Ports, id: string, state: JsonObject): Promise<void> =>
  catalog.put(stateKey(id), { ...state, at: new Date().toISOString() });
