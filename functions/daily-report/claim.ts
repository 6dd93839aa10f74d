import { isPortError, type JsonObject, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

type Catalog = PortsOf<"dailyReport">["catalog"];

/**
 * Who may post a day's report. A chat cannot be asked what it has, so the right to post is taken
 * before and given back only where the chat surely has nothing: "posting" without an end is left
 * for somebody to look at. Each attempt has a higher number, and whoever stores it first has it.
 */
export interface Claim {
  /** The report is in the chat. */
  posted(report: JsonObject): Promise<void>;
  /** The chat said no: the next delivery may try again. */
  giveBack(reason: string): Promise<void>;
}

/**
 * @returns the right to post, or `undefined` where it was posted before
 * @throws `invalid` where another attempt began and nobody knows how it ended
 */
export async function claimOf(catalog: Catalog, date: string): Promise<Claim | undefined> {
  const key = { pk: `DAILY#${date}`, sk: "REPORT" };
  const before = await catalog.get(key);
  if (before?.status === "posted") return undefined;
  if (before?.status === "posting") throw unclear(date);
  const attempt = String(Number(before?.attempt ?? 0) + 1).padStart(6, "0");
  const write = (status: string, more: JsonObject = {}) => ({
    status,
    attempt,
    at: new Date().toISOString(),
    ...more,
  });
  await catalog.put(key, write("posting"), { ifNewer: "attempt" }).catch((error) => {
    throw isPortError(error, "conflict") ? unclear(date, error) : error;
  });
  return {
    posted: (report) => catalog.put(key, write("posted", { report })),
    giveBack: (reason) => catalog.put(key, write("refused", { reason })),
  };
}

const unclear = (date: string, cause?: unknown) =>
  new PortError(
    "invalid",
    `daily-report "${date}": an attempt to post it began and its end is unknown; look whether it is in the chat, and if not, set its row to "refused" and redrive`,
    { cause },
  );
