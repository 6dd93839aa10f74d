import type { Topic } from "../../ports/index.ts";
import { passes } from "../events.ts";
import type { Boss } from "./boss.ts";
import { fanOut, type Subscriber } from "./fan-out.ts";

export interface TopicSubscriber extends Subscriber {
  /** Each attribute that it names has one of these values. Default: every event */
  readonly filter?: Readonly<Record<string, readonly string[]>>;
}

/**
 * A topic on Postgres: each subscriber has a queue of its own.
 * @param options.name of the topic in system.ts
 * @param options.source name of the system
 */
export const topic = (options: {
  readonly name: string;
  readonly source: string;
  readonly boss: Boss;
  readonly subscribers: readonly TopicSubscriber[];
}): Topic =>
  fanOut({
    kind: "topic",
    ...options,
    wants: ({ filter = {} }, { attributes }) => passes(filter, attributes),
  });
