import { randomInt } from "node:crypto";
import type { Cache, Json } from "../ports/index.ts";
import type { Fault } from "./faults.ts";
import { checkName, checkWhole, messageText } from "./limits.ts";

/**
 * Where logs are kept. A log has an epoch, a random whole number that is given to it when it begins,
 * and numbers its entries from 1: so a position of a log that was lost since is known for one.
 */
export interface Logs {
  /** @param epoch of the log, should it begin @returns the entry's epoch and number */
  append(log: string, text: string, epoch: number, options: Kept): Promise<Place>;
  /** @param after entries of the log's epoch with higher numbers. Absent: none */
  since(log: string, epoch: number, options: Asked): Promise<Found>;
}

export interface Kept {
  readonly keep: number;
  readonly ttlSeconds: number;
}
export interface Asked {
  readonly after?: Place;
  readonly limit: number;
  readonly ttlSeconds: number;
}
export interface Place {
  readonly epoch: number;
  readonly number: number;
}
export interface Found {
  /** The log's last. */
  readonly end: Place;
  /**
   * In their order, up to the limit. Those after `after`, or, where that is of another epoch, from
   * the first that is kept.
   */
  readonly entries: readonly { readonly number: number; readonly text: string }[];
}

const maxEntryBytes = 65_536;
const maxKept = 1_000;
const maxTtlSeconds = 2_592_000;
/** Numbers that every store has exactly, half of an id each. */
const maxEpoch = 2 ** 47;

export const checkTtlSeconds = (fault: Fault, ttlSeconds: number): void =>
  checkWhole(fault, "ttlSeconds", ttlSeconds, 1, maxTtlSeconds);

/** The log's part of the cache port on a store: limits, positions, and what was lost. */
export const logsOn = (fault: Fault, store: Logs): Pick<Cache, "append" | "since"> => ({
  async append(log, value, { keep, ttlSeconds }) {
    checkName(fault, "log", log);
    checkTtlSeconds(fault, ttlSeconds);
    checkWhole(fault, "keep", keep, 1, maxKept);
    const text = messageText(fault, value, maxEntryBytes);
    return textOf(await store.append(log, text, randomInt(1, maxEpoch), { keep, ttlSeconds }));
  },

  async since(log, { after, limit = 100, ttlSeconds }) {
    checkName(fault, "log", log);
    checkTtlSeconds(fault, ttlSeconds);
    checkWhole(fault, "limit", limit, 1, maxKept);
    const from = after === undefined ? undefined : placeOf(fault, after);
    const asked = { limit, ttlSeconds, ...(from && { after: from }) };
    const { end, entries } = await store.since(log, randomInt(1, maxEpoch), asked);
    const { epoch } = end;
    const first = entries[0]?.number ?? end.number + 1;
    const last = entries.at(-1)?.number ?? end.number;
    return {
      entries: entries.map(({ number, text }) => ({
        position: textOf({ epoch, number }),
        value: JSON.parse(text) as Json,
      })),
      position: textOf({ epoch, number: last }),
      more: last < end.number,
      lost: from !== undefined && (from.epoch !== epoch || from.number + 1 !== first),
    };
  },
});

const textOf = ({ epoch, number }: Place): string => `${epoch.toString(36)}-${number}`;

function placeOf(fault: Fault, position: string): Place {
  const [, epoch = "", number] = /^([\da-z]{1,10})-(\d{1,15})$/.exec(position) ?? [];
  if (epoch === "") throw fault("invalid", "a position that is none; give one of this log");
  return { epoch: Number.parseInt(epoch, 36), number: Number(number) };
}
