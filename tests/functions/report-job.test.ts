import { inflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { create as notify } from "../../functions/notify/index.ts";
import { daysOf } from "../../functions/report-job/activity.ts";
import { Csv, fieldOf } from "../../functions/report-job/csv.ts";
import { create } from "../../functions/report-job/index.ts";
import { revenueOf } from "../../functions/report-job/pdf.ts";
import type { Json, JsonObject, Table } from "../../runtime/ports/index.ts";
import { chatFake, mailerFake, memoryTable, messageOf, queueFake } from "./fakes.ts";
import { memoryObjects } from "./object-fakes.ts";

const id = "r-1";
const key = { pk: `REPORT#${id}`, sk: "META" };
const queued = {
  id,
  owner: "u-1",
  email: "ann@shop.example",
  from: "2026-11-01",
  to: "2026-11-03",
  status: "queued",
  progress: 0,
  stage: "0",
  at: "2026-11-20T10:00:00.000Z",
};
const running = { signal: new AbortController().signal };

async function setup(report: JsonObject = queued) {
  const [catalog, media, mails] = [memoryTable(), memoryObjects(), queueFake()];
  await catalog.put(key, report);
  let events = 0;
  const log = async (day: string, type: string, data: Json) => {
    events += 1;
    const at = `${day}T10:00:00.${String(events).padStart(3, "0")}Z`;
    await catalog.put(
      { pk: `ACTIVITY#${day}`, sk: `${at}#e-${events}` },
      { id: `e-${events}`, type, at, data },
    );
  };
  const run = (body: Json = { reportId: id }, table: Table = catalog, given = running) =>
    create({ catalog: table, media, mails })(messageOf(body), given);
  return {
    catalog,
    media,
    mails,
    log,
    run,
    row: () => catalog.at(`REPORT#${id} / META`),
    file: (kind: string) => media.objects.get(`reports/${id}/report.${kind}`),
  };
}

/** The text of a PDF made with a standard font: hexadecimal, in compressed streams. */
function textOf(pdf: Uint8Array): string {
  const whole = Buffer.from(pdf).toString("latin1");
  const streams = [...whole.matchAll(/stream\n(.*?)\nendstream/gs)].map(([, content = ""]) => {
    try {
      return inflateSync(Buffer.from(content, "latin1")).toString("latin1");
    } catch {
      return "";
    }
  });
  const texts = streams.join("\n").matchAll(/\[((?:<[\da-f]*>|[\s\d.-])*)\] TJ/g);
  return [...texts]
    .map(([, parts = ""]) =>
      [...parts.matchAll(/<([\da-f]*)>/g)]
        .map(([, hex = ""]) => Buffer.from(hex, "hex").toString("latin1"))
        .join(""),
    )
    .join("\n");
}

/** Reads CSV as RFC 4180 has it. */
function parsed(csv: string): string[][] {
  const records: string[][] = [[]];
  for (const [, quoted, plain, end] of csv.matchAll(
    /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g,
  )) {
    if (quoted === undefined && plain === "" && end === "") break;
    records.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end === "\r\n") records.push([]);
  }
  return records.slice(0, -1);
}

describe("a report", () => {
  test("is a table of all events of its days, and pages with their figures", async () => {
    const { log, run, row, file } = await setup();
    await log("2026-10-31", "order.paid", { orderId: "before", amount: 1, currency: "EUR" });
    await log("2026-11-01", "user.created", { userId: "u-9" });
    await log("2026-11-03", "order.placed", { orderId: "o-1", total: 1290, currency: "EUR" });
    await log("2026-11-03", "order.paid", { orderId: "o-1", amount: 1290, currency: "EUR" });
    await log("2026-11-03", "order.paid", { orderId: "o-2", amount: 500, currency: "JPY" });
    await log("2026-11-04", "order.paid", { orderId: "after", amount: 1, currency: "EUR" });
    await run();
    expect(row()).toMatchObject({
      status: "done",
      progress: 1,
      rows: 4,
      csv: `reports/${id}/report.csv`,
      pdf: `reports/${id}/report.pdf`,
    });
    const [header, ...records] = parsed(Buffer.from(file("csv")?.body ?? "").toString());
    expect(header).toEqual(["at", "id", "type", "user", "order", "amount", "currency", "data"]);
    expect(records.map((record) => record.slice(2, 7))).toEqual([
      ["user.created", "u-9", "", "", ""],
      ["order.placed", "", "o-1", "1290", "EUR"],
      ["order.paid", "", "o-1", "1290", "EUR"],
      ["order.paid", "", "o-2", "500", "JPY"],
    ]);
    expect(records[0]?.[7]).toBe('{"userId":"u-9"}');
    expect([file("csv")?.contentType, file("pdf")?.contentType]).toEqual([
      "text/csv; charset=utf-8; header=present",
      "application/pdf",
    ]);
    const pdf = file("pdf")?.body ?? new Uint8Array();
    expect(Buffer.from(pdf.subarray(0, 5)).toString()).toBe("%PDF-");
    const text = textOf(pdf);
    for (const line of [
      "Shop report, 2026-11-01 to 2026-11-03",
      "Events: 4",
      "Orders paid: 2",
      "Revenue: 12.90 EUR, 500 JPY",
      "order.paid: 2",
      "2026-11-02",
    ])
      expect(text).toContain(line);
  });

  test("without events is one all the same", async () => {
    const { run, file, row } = await setup();
    await run();
    expect(row()).toMatchObject({ status: "done", rows: 0 });
    expect(textOf(file("pdf")?.body ?? new Uint8Array())).toContain("There were none.");
  });

  test("of a year has a line for each day, on as many pages as that takes", async () => {
    const { run, file } = await setup({ ...queued, from: "2025-11-30", to: "2026-11-30" });
    await run();
    const pdf = file("pdf")?.body ?? new Uint8Array();
    const text = textOf(pdf);
    for (const day of ["2025-11-30", "2026-02-28", "2026-11-30"])
      expect(text).toContain(`\n${day}`);
    expect(
      Buffer.from(pdf)
        .toString("latin1")
        .match(/\/Type \/Page\b(?!s)/g)?.length,
    ).toBeGreaterThan(6);
  });

  test("has every event of a day of several pages", async () => {
    const { log, run, row } = await setup();
    for (let i = 0; i < 2100; i += 1) await log("2026-11-02", "user.created", { userId: `u-${i}` });
    await run();
    expect(row()).toMatchObject({ rows: 2100 });
  });

  test("is mailed as a link that opens for twelve hours", async () => {
    const { run, mails } = await setup();
    await run();
    const [mail] = mails.sent as (JsonObject & { data: { url: string } })[];
    expect(mail).toMatchObject({
      template: "report",
      id: `report:${id}`,
      to: "ann@shop.example",
      data: { reportId: id, from: "2026-11-01", to: "2026-11-03" },
    });
    const url = new URL(mail?.data.url ?? "");
    expect(decodeURIComponent(url.pathname)).toBe(`/reports/${id}/report.pdf`);
    expect(url.searchParams.get("for")).toContain('"expiresSeconds":43200');
    const mailer = mailerFake();
    await notify({ mailer, chat: chatFake() })(messageOf(mail as JsonObject));
    expect(mailer.mails).toMatchObject([{ to: "ann@shop.example", id: `report:${id}` }]);
    expect(mailer.mails[0]?.text).toContain(url.href);
  });

  test("shows how far it is while it is made, at most 22 times", async () => {
    const { run, catalog } = await setup({ ...queued, from: "2026-01-01", to: "2026-11-03" });
    const seen: unknown[] = [];
    const watching: Table = {
      ...catalog,
      put: async (at, document, options) => {
        await catalog.put(at, document, options);
        seen.push(document.progress);
      },
    };
    await run({ reportId: id }, watching);
    expect(seen).toEqual([...seen].sort());
    expect(seen.length).toBeGreaterThan(15);
    expect(seen.length).toBeLessThanOrEqual(23);
    expect([seen[0], seen.at(-1)]).toEqual([0, 1]);
  });
});

describe("delivered again", () => {
  test("once it is done and mailed, nothing happens", async () => {
    const { run, mails, media } = await setup();
    await run();
    const calls = media.calls.length;
    await run();
    expect([media.calls.length, mails.sent.length]).toEqual([calls, 1]);
  });

  test("after a kill at any write, it ends done, with the same files and one mail at least", async () => {
    const whole = await setup();
    await whole.log("2026-11-02", "user.created", { userId: "u-1" });
    await whole.run();
    const expected = ["csv", "pdf"].map((kind) => whole.file(kind)?.etag);
    for (let writes = 0; writes < 30; writes += 1) {
      const { log, run, catalog, row, file, mails } = await setup();
      await log("2026-11-02", "user.created", { userId: "u-1" });
      let left = writes;
      const dying: Table = {
        ...catalog,
        put: async (at, document, options) => {
          if (left === 0) throw new Error("killed");
          left -= 1;
          await catalog.put(at, document, options);
        },
      };
      const died = await run({ reportId: id }, dying).then(
        () => false,
        () => true,
      );
      await run();
      expect(row()).toMatchObject({ status: "done", mailed: true });
      expect(["csv", "pdf"].map((kind) => file(kind)?.etag)).toEqual(expected);
      expect(new Set(mails.sent.map((mail) => (mail as JsonObject).id))).toEqual(
        new Set([`report:${id}`]),
      );
      // Only a kill between mail and note sends it twice, with the same id.
      expect(mails.sent.length).toBeLessThanOrEqual(died ? 2 : 1);
      if (!died) return;
    }
    expect.unreachable("it never got through");
  });

  test("a run that was thought dead does not take back what another has done", async () => {
    const { run, row, mails, catalog } = await setup();
    const late: Table = {
      ...catalog,
      query: async (...given) => {
        // While this one reads its first page, another run gets through.
        if (row()?.status !== "done") await run();
        return catalog.query(...given);
      },
    };
    await run({ reportId: id }, late);
    expect(row()).toMatchObject({ status: "done", progress: 1, mailed: true });
    expect(mails.sent).toHaveLength(1);
  });

  test("a report that failed is made once its fault is mended", async () => {
    const { run, row } = await setup({ ...queued, status: "failed", stage: "2" });
    await run();
    expect(row()).toMatchObject({ status: "done" });
  });
});

describe("what it cannot do", () => {
  test.each<Json>([null, {}, { reportId: "" }, { reportId: 7 }, { reportId: "unknown" }])(
    "%j is no report: it goes to the dead letters",
    async (body) => {
      const { run, media } = await setup();
      await expect(run(body)).rejects.toMatchObject({ code: "invalid" });
      expect(media.calls).toEqual([]);
    },
  );

  test("a host that stops has it delivered again: nothing is stored or mailed", async () => {
    const { run, media, mails, row } = await setup();
    const stopping = { signal: AbortSignal.abort() };
    await expect(run({ reportId: id }, undefined, stopping)).rejects.toMatchObject({
      code: "unavailable",
    });
    expect([media.calls, mails.sent, row()?.status]).toEqual([[], [], "running"]);
  });

  test("a store that fails has it delivered again", async () => {
    const { run, media, row } = await setup();
    media.fails.set("put", "unavailable");
    await expect(run()).rejects.toMatchObject({ code: "unavailable" });
    media.fails.clear();
    await run();
    expect(row()).toMatchObject({ status: "done", mailed: true });
  });

  test("a report of more than 256 MiB has failed: it is not read any further", async () => {
    const { run, row, catalog, media } = await setup();
    const document = { id: "e", type: "t", at: "2026-11-01", data: "x".repeat(300_000) };
    const page = Array.from({ length: 1000 }, () => ({ pk: "p", sk: "s", document }));
    let pages = 0;
    const endless = async () => {
      pages += 1;
      return { items: page, cursor: "more" };
    };
    const flooded: Table = { ...catalog, query: endless };
    await expect(run({ reportId: id }, flooded)).rejects.toMatchObject({ code: "too-large" });
    expect(row()).toMatchObject({
      status: "failed",
      reason: "it has over 268435456 bytes; order fewer days",
    });
    expect([pages, media.calls]).toEqual([1, []]);
  });

  test("a report whose try failed says so, until it is done", async () => {
    const { run, media, row } = await setup();
    media.fails.set("put", "unavailable");
    await expect(run()).rejects.toMatchObject({ code: "unavailable" });
    expect(row()).toMatchObject({
      status: "delayed",
      reason: "a try failed; it is tried again",
    });
    media.fails.clear();
    await run();
    expect(row()).toMatchObject({ status: "done" });
    expect(row()).not.toHaveProperty("reason");
  });

  test("a report that no file can hold has failed, and says what to do", async () => {
    const { run, media, row } = await setup();
    media.fails.set("put", "too-large");
    await expect(run()).rejects.toMatchObject({ code: "too-large" });
    expect(row()).toMatchObject({ status: "failed", reason: expect.any(String) });
  });
});

describe("CSV", () => {
  test.each([
    ["plain", "plain"],
    ["", ""],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["a\r\nb", '"a\r\nb"'],
    ["=1+1", "'=1+1"],
    ["+49", "'+49"],
    ["-2+3", "'-2+3"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t=1"],
    [" =1", "' =1"],
    ["\r=1", '"\'\r=1"'],
    ["＝1", "'＝1"],
    ['=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"'],
    ["2026-11-01", "2026-11-01"],
    [-5, "-5"],
    [12.5, "12.5"],
  ])("%j is written as %s", (given, written) => {
    expect(fieldOf(given)).toBe(written);
  });

  test("whatever its fields hold, it reads back record by record, and nothing is a formula", () => {
    const field = fc.oneof(
      fc.string({ unit: "binary", maxLength: 12 }),
      fc.stringMatching(/^[=+\-@",\r\n\t a]{0,8}$/),
    );
    const record = fc.array(field, { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (records) => {
        const csv = new Csv();
        for (const one of records) csv.add(one);
        const read = parsed(Buffer.from(csv.content()).toString());
        expect(read.map((one) => one.map((text) => text.replace(/^'/, "")))).toEqual(
          records.map((one) => one.map((text) => text.toWellFormed().replace(/^'/, ""))),
        );
        for (const text of read.flat()) expect(text).not.toMatch(/^\s*[=+\-@]/);
      }),
    );
  });
});

test("days of a report go across months and leap days, both ends counted", () => {
  expect(daysOf("2024-02-28", "2024-03-01")).toEqual(["2024-02-28", "2024-02-29", "2024-03-01"]);
  expect(daysOf("2025-11-30", "2026-11-30")).toHaveLength(366);
});

test.each([
  [[], "-"],
  [[["EUR", 5]], "0.05 EUR"],
  [
    [
      ["JPY", 5],
      ["BHD", 1234],
    ],
    "1.234 BHD, 5 JPY",
  ],
] as [[string, number][], string][])("revenue %j reads as %s", (revenue, text) => {
  expect(revenueOf({ revenue: new Map(revenue) })).toBe(text);
});
