import type { Json } from "./json.ts";

/** What happened. */
export interface Event {
  /** Such as "order.paid": 1 to 128 letters, digits, ".", "_" and "-". */
  readonly type: string;
  readonly data: Json;
  /**
   * The same for each try to publish one event: subscribers apply it once by it. 1 to 200
   * printable ASCII characters. Default: a random one
   */
  readonly id?: string;
}

/** The body of a message that brings an event. */
export interface EventEnvelope {
  readonly id: string;
  readonly type: string;
  /** Name of the system that published it. */
  readonly source: string;
  /** ISO 8601, UTC */
  readonly at: string;
  readonly data: Json;
}

/** One event, many subscribers, each behind a queue of its own. Answered means stored. */
export interface Topic {
  /**
   * Hands an event to every subscriber whose filter fits: by `type`, or a top-level text field of
   * its data of 1 to 256 bytes (of more than nine, those whose names come first).
   * @throws `too-large` over 256 KiB of JSON, `invalid` for a type or an id of another form
   */
  publish(event: Event): Promise<{ readonly id: string }>;
}

/** As {@link Topic}; subscribers choose by pattern, and other systems may be among them. */
export interface Bus {
  publish(event: Event): Promise<{ readonly id: string }>;
}

/** A partitioned log: in order within a key, for high rates. Answered means stored. */
export interface Stream {
  /**
   * Appends records, 1 to 500, their keys 1 to 256 bytes of UTF-8.
   * @throws `too-large` for a record over 1 MiB of JSON and key, or 5 MiB together; `invalid`
   */
  put(records: readonly { readonly key: string; readonly body: Json }[]): Promise<void>;
}
