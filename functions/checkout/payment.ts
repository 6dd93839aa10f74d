import { type Json, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import type { Order } from "./order.ts";

type Payments = PortsOf<"checkout">["payments"];

/**
 * Takes the money, once: the provider knows the charge by the checkout's id.
 * @returns the charge's id
 * @throws `denied` where the card is declined, `conflict` where the charge was refunded before it
 *   came, `invalid` where the provider refuses it otherwise
 */
export async function charge(payments: Payments, id: string, order: Order): Promise<string> {
  const { total: amount, currency, source } = order;
  const { status, body } = await payments.request({
    method: "POST",
    path: "/v1/charges",
    body: { amount, currency, source },
    idempotencyKey: id,
  });
  const charged = textIn(body, "id");
  if (status === 201 && charged !== undefined) return charged;
  const refusal =
    status === 402
      ? new PortError("denied", `payment "${id}": the card was declined; use another`)
      : status === 409
        ? new PortError("conflict", `payment "${id}": it was refunded before; start another`)
        : new PortError("invalid", `payment "${id}": the provider answered ${status}; look there`);
  throw refusal;
}

/**
 * Gives the money back where it was taken, once, and has the provider refuse a charge that comes
 * later.
 * @throws `invalid` where the provider refuses
 */
export async function refund(payments: Payments, id: string): Promise<string> {
  const { status, body } = await payments.request({
    method: "POST",
    path: "/v1/refunds",
    body: { charge_key: id },
    idempotencyKey: `${id}-refund`,
  });
  const refunded = textIn(body, "status");
  if (status === 201 && refunded !== undefined) return refunded;
  throw new PortError("invalid", `refund "${id}": the provider answered ${status}; look there`);
}

function textIn(body: Json, name: string): string | undefined {
  const value =
    typeof body === "object" && body !== null && !Array.isArray(body)
      ? (body as { readonly [key: string]: Json })[name]
      : undefined;
  return typeof value === "string" ? value : undefined;
}
