import type { Json } from "./json.ts";

export interface Message {
  /** The queue's own id; the same for each delivery of one message. */
  readonly id: string;
  readonly body: Json;
  /** This delivery's number, from 1. */
  readonly receives: number;
  readonly sentAt: Date;
}

/** What workloads hold. Answered means stored. */
export interface Queue {
  /**
   * Stores a message durably.
   * @param options.delaySeconds how long it stays hidden, 0 to 900. Default: 0
   * @returns its id
   * @throws `too-large` over the queue's maxBytes of JSON
   */
  send(body: Json, options?: { readonly delaySeconds?: number }): Promise<{ readonly id: string }>;
}

/** A delivery, and the three ways to end it. */
export interface Delivery {
  readonly message: Message;
  /** Done: it is not delivered again. */
  done(): Promise<void>;
  /** Deliver it again, after the wait; past maxReceives it goes to the dead letters. */
  retry(reason: string, delaySeconds?: number): Promise<void>;
  /** Still being worked on: hidden from others for so many seconds from now, 1 to 43,200. */
  extend(seconds: number): Promise<void>;
  /** No delivery can help: to the dead letters at once, with the reason. */
  reject(reason: string): Promise<void>;
}

/** What hosts hold: a consumer in a container or on one machine. */
export interface QueueConsumer {
  /** Up to `max` (1 to 10) deliveries, waiting up to `waitSeconds` for the first. */
  receive(max: number, waitSeconds: number): Promise<readonly Delivery[]>;
}

export interface DeadLetter {
  readonly id: string;
  readonly body: Json;
  readonly reason: string;
  readonly at: Date;
}

/** What operators hold: the dashboard. */
export interface QueueAdmin {
  /** Messages that wait, that are being worked on, and that were set aside. */
  depth(): Promise<{ readonly waiting: number; readonly active: number; readonly dead: number }>;
  /** Newest first. */
  deadLetters(limit: number): Promise<readonly DeadLetter[]>;
  /** Back into the queue as a new message. Throws `not-found`. */
  redrive(id: string): Promise<void>;
  /** Gone for good. Throws `not-found`. */
  discard(id: string): Promise<void>;
}
