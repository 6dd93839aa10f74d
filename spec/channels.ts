export interface Queue {
  readonly kind: "queue";
  /** Deliveries before a message goes to the dead-letter queue, 1 to 1,000. */
  readonly maxReceives: number;
  /** How long a received message stays hidden from others, in seconds. */
  readonly visibilitySeconds: number;
  /** Largest message, in bytes. */
  readonly maxBytes: number;
}

export interface Topic {
  readonly kind: "topic";
}

export interface Stream {
  readonly kind: "stream";
  /** How long records are kept, in hours. */
  readonly retentionHours: number;
}

export interface Bus {
  readonly kind: "bus";
}

export type Channel = Queue | Topic | Stream | Bus;

/**
 * A queue with a dead-letter queue: at least once, in no particular order.
 * @param options.maxReceives deliveries before a message is set aside. Default: 5
 * @param options.visibilitySeconds how long a receiver has, in seconds. Default: 180, six times
 *   the 30 s of a default function (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS")
 * @param options.maxBytes largest message, in bytes. Default: 262,144 (256 KiB)
 */
export const queue = (options: Partial<Omit<Queue, "kind">> = {}): Queue => ({
  kind: "queue",
  maxReceives: 5,
  visibilitySeconds: 180,
  maxBytes: 262_144,
  ...options,
});

/** One published event, many subscribers, each behind a queue of its own. */
export const topic = (): Topic => ({ kind: "topic" });

/**
 * A partitioned log for high rates, in order within a partition key.
 * @param options.retentionHours how long records are kept, in hours. Default: 24
 */
export const stream = (options: Partial<Omit<Stream, "kind">> = {}): Stream => ({
  kind: "stream",
  retentionHours: 24,
  ...options,
});

/**
 * Facts that other systems subscribe to too; `onMessage({ bus, pattern })` chooses by content
 * (EventBridge).
 */
export const bus = (): Bus => ({ kind: "bus" });
