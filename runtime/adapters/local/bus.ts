import type { Pattern } from "../../../spec/index.ts";
import type { Bus } from "../../ports/index.ts";
import type { Boss } from "./boss.ts";
import { fanOut, type Subscriber } from "./fan-out.ts";
import { matcherOf } from "./pattern.ts";

export interface BusSubscriber extends Subscriber {
  /** Default: every event */
  readonly pattern?: Pattern;
}

/**
 * A bus on Postgres: each subscriber has a queue of its own.
 * @param options.name of the bus in system.ts
 * @param options.source name of the system
 */
export function bus(options: {
  readonly name: string;
  readonly source: string;
  readonly boss: Boss;
  readonly subscribers: readonly BusSubscriber[];
}): Bus {
  const subscribers = options.subscribers.map((one) => ({
    ...one,
    matches: matcherOf(one.pattern),
  }));
  return fanOut({
    kind: "bus",
    ...options,
    subscribers,
    wants: ({ matches }, { envelope }) => matches(envelope),
  });
}
