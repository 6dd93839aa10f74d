import * as z from "zod/mini";
import { PortError, type StreamRecord } from "../../runtime/ports/index.ts";

const click = z.strictObject({
  page: z.string().check(z.regex(/^\/[^\p{Cc}\p{Cs}]*$/u), z.maxLength(200)),
  session: z.string().check(z.minLength(1), z.maxLength(64)),
  at: z.iso.datetime(),
});

/** A click that is to be counted, with the number of its record. */
export interface Click {
  readonly sequence: string;
  readonly page: string;
  /** UTC, such as "2026-11-20T09". */
  readonly hour: string;
}

/** What one `once` applies: clicks of consecutive records, by page and hour. */
export interface Part {
  readonly first: string;
  readonly last: string;
  readonly counts: readonly {
    readonly page: string;
    readonly hour: string;
    readonly count: number;
  }[];
}

/**
 * The record's click.
 * @throws `invalid` with the record's sequence, where it is none
 */
export function clickOf({ sequence, body }: StreamRecord): Click {
  const { success, data, error } = click.safeParse(body);
  if (!success)
    throw new PortError(
      "invalid",
      `clickstream "${sequence}": the record is no click; correct what writes it`,
      { cause: error },
    );
  return { sequence, page: data.page, hour: new Date(data.at).toISOString().slice(0, 13) };
}

/** Whether a sequence is later than the one that was counted last: whole numbers of any length. */
export const isAfter = (sequence: string, counted: string | undefined): boolean =>
  counted === undefined || BigInt(sequence) > BigInt(counted);

/**
 * The longest beginning of the clicks with at most so many different pages and hours.
 * @param clicks in their order, at least one
 */
export function firstPart(clicks: readonly Click[], most: number): Part {
  const counts = new Map<string, { page: string; hour: string; count: number }>();
  let last = "";
  for (const { page, hour, sequence } of clicks) {
    const name = `${hour} ${page}`;
    const known = counts.get(name);
    if (!known && counts.size === most) break;
    if (known) known.count += 1;
    else counts.set(name, { page, hour, count: 1 });
    last = sequence;
  }
  return { first: clicks[0]?.sequence ?? "", last, counts: [...counts.values()] };
}
