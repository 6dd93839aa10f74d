import * as z from "zod/mini";
import {
  isPortError,
  type JobHandler,
  type JsonObject,
  PortError,
} from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { activityOf, columns, daysOf, recordFieldsOf, Summary } from "./activity.ts";
import { Csv } from "./csv.ts";
import { pdfOf } from "./pdf.ts";

type Ports = PortsOf<"reportJob">;

/** Largest table, in bytes: with the copy that is stored, a quarter of the job's 2 GB. */
const maxBytes = 256 * 1024 * 1024;
/** Events a page; a page of any table holds no more. */
const pageSize = 1000;
/** The part of the work that reading is; the rest is writing it down. */
const reading = 0.9;
/** How often progress is written, at most: 20 times a report. */
const steps = 20;
/**
 * How long the mail's link can be followed at most, in seconds: 12 h, the longest that the store
 * signs. Credentials that end before then end it with them (ECS renews a task's every few hours).
 */
const linkSeconds = 43_200;

/** What whoever asks is told of a try that failed; why, is for the log. */
const later = "a try failed; it is tried again";

const wanted = z.object({ reportId: z.string().check(z.minLength(1), z.maxLength(200)) });
const report = z.looseObject({
  id: z.string(),
  email: z.string(),
  from: z.iso.date(),
  to: z.iso.date(),
  status: z.string(),
  pdf: z.optional(z.string()),
  mailed: z.optional(z.boolean()),
  at: z.string(),
});
type Report = z.infer<typeof report> & JsonObject;

/**
 * How far a report is, in the order of its bytes: what is further is never overwritten by a run
 * that was thought dead, and progress never runs backwards.
 */
const stage = {
  running: (progress: number) => `1.${String(Math.floor(progress * 9999)).padStart(4, "0")}`,
  /** A try failed: the next one has less to say until it is done. */
  delayed: "1.99999",
  failed: "2",
  done: "3",
  mailed: "4",
};

/**
 * Makes a report: the events of its days as CSV, their figures as PDF, then a mail with a link that
 * opens for some hours; after that its status has new ones. Delivered again, it begins anew unless the report is done, and mails unless
 * that is noted too; a kill between mail and note gives a second copy of the same id.
 */
export const create =
  (ports: Ports): JobHandler =>
  async ({ id, body }, { signal }) => {
    const { success, data, error } = wanted.safeParse(body);
    if (!success) throw poison(`"${id}": it names no report`, error);
    const key = { pk: `REPORT#${data.reportId}`, sk: "META" };
    const read = async (): Promise<Report> => {
      const found = report.safeParse(await ports.catalog.get(key));
      if (found.success) return found.data as Report;
      throw poison(`"${data.reportId}": there is no such report`, found.error);
    };
    /** False where the stored report is as far, or further. */
    const advance = (row: JsonObject): Promise<boolean> =>
      ports.catalog.put(key, row, { ifNewer: "stage" }).then(
        () => true,
        (error) => {
          if (!isPortError(error, "conflict")) throw error;
          return false;
        },
      );

    let row = await read();
    if (row.status !== "done") {
      const made = await make(ports, row, signal, async (progress) => {
        await advance({ ...row, status: "running", progress, stage: stage.running(progress) });
      }).catch(async (error) => {
        if (isPortError(error, "too-large"))
          await advance({ ...row, status: "failed", reason: error.message, stage: stage.failed });
        // A host that stops is no failure: it goes on elsewhere at once.
        else if (!signal.aborted)
          await advance({ ...row, status: "delayed", reason: later, stage: stage.delayed });
        throw error;
      });
      const { reason: _, ...rest } = row;
      const done: Report = { ...rest, ...made, status: "done", progress: 1, stage: stage.done };
      row = (await advance(done)) ? done : await read();
    }
    if (row.mailed || row.pdf === undefined) return;
    await mail(ports, row, row.pdf);
    await advance({ ...row, mailed: true, stage: stage.mailed });
  };

/** Reads the days, and stores both files. */
async function make(
  { catalog, media }: Ports,
  { id, from, to, at }: Report,
  signal: AbortSignal,
  say: (progress: number) => Promise<void>,
): Promise<{ readonly csv: string; readonly pdf: string; readonly rows: number }> {
  const table = new Csv();
  const summary = new Summary();
  table.add(columns);
  const days = daysOf(from, to);
  let said = -1;
  for (const [index, day] of days.entries()) {
    const step = Math.floor((index / days.length) * steps);
    if (step > said) await say((step / steps) * reading);
    said = step;
    summary.begin(day);
    let cursor: string | undefined;
    do {
      goOn(id, signal);
      const page = await catalog.query(`ACTIVITY#${day}`, { limit: pageSize, cursor });
      for (const { document } of page.items) {
        const activity = activityOf(document);
        table.add(recordFieldsOf(activity));
        summary.add(day, activity);
      }
      if (table.bytes > maxBytes)
        throw new PortError("too-large", `it has over ${maxBytes} bytes; order fewer days`);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  await say(reading);
  goOn(id, signal);
  const [csv, pdf] = [`reports/${id}/report.csv`, `reports/${id}/report.pdf`];
  await media.put(csv, table.content(), { contentType: "text/csv; charset=utf-8; header=present" });
  await media.put(pdf, await pdfOf({ from, to, at }, summary), { contentType: "application/pdf" });
  return { csv, pdf, rows: summary.total.events };
}

/** A host that stops: the message comes again, elsewhere. */
function goOn(id: string, { aborted, reason }: AbortSignal): void {
  if (aborted)
    throw new PortError(
      "unavailable",
      `report-job "${id}": the host stops; it is begun anew elsewhere`,
      { cause: reason },
    );
}

async function mail(
  { media, mails }: Ports,
  { id, email, from, to }: Report,
  pdf: string,
): Promise<void> {
  const fileName = `report-${from}-to-${to}.pdf`;
  const url = await media.signGet(pdf, { expiresSeconds: linkSeconds, fileName });
  const data = { reportId: id, url, from, to };
  await mails.send({ template: "report", id: `report:${id}`, to: email, data });
}

const poison = (what: string, cause: unknown) =>
  new PortError("invalid", `report-job ${what}; discard the message`, { cause });
