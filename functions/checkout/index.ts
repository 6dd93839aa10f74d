import { PortError } from "../../runtime/ports/index.ts";
import type { PortsOf, StepsOf } from "../ports.ts";
import { apologise, complete, unlessConfirmed } from "./ending.ts";
import { orderOf, validated, validOrder } from "./order.ts";
import { decide } from "./outcome.ts";
import { charge, refund } from "./payment.ts";
import { hold, letGo } from "./stock.ts";

/**
 * The steps of a checkout. Whatever is tried twice, given up or killed, it ends in one of two ways:
 * confirmed (paid, sold, placed) or compensated (nothing held, nothing kept). A document decides
 * which, see outcome.ts: stored once, by the confirmation or by the first compensation.
 */
export const create = (ports: PortsOf<"checkout">): StepsOf<"checkout"> => {
  const { catalog, payments } = ports;
  return {
    validate: async ({ id, input }) => orderOf(id, input),

    reserve: async (context) => {
      for (const line of validOrder(context).items) await hold(catalog, context.id, line);
    },

    pay: async (context) => ({ charge: await charge(payments, context.id, validOrder(context)) }),

    confirm: async (context) => {
      const { id } = context;
      const order = validOrder(context);
      if ((await decide(catalog, id, "confirmed")) === "compensated")
        throw new PortError("conflict", `checkout "${id}": it was given up; start another`);
      await complete(ports, id, order);
    },

    release: (context) =>
      unlessConfirmed(ports, context, async () => {
        for (const line of validated(context)?.items ?? []) await letGo(catalog, context.id, line);
      }),

    refund: (context) =>
      unlessConfirmed(ports, context, async () => {
        await refund(payments, context.id);
      }),

    apologise: (context) => unlessConfirmed(ports, context, () => apologise(ports, context)),
  };
};
