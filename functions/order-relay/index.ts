import type { ScheduleHandler } from "../../runtime/ports/index.ts";
import { relayAll } from "../outbox.ts";
import type { PortsOf } from "../ports.ts";

/** Sends what the requests that placed orders could not: nothing is left in the outbox for long. */
export const create =
  ({ ledger, placed }: PortsOf<"orderRelay">): ScheduleHandler =>
  async () => {
    await relayAll(ledger, placed);
  };
