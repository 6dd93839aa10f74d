import { describe, expect, test, vi } from "vitest";
import { create } from "../../functions/reports/index.ts";
import type { ErrorCode, JsonObject } from "../../runtime/ports/index.ts";
import { contextOf, jsonRequest, memoryTable, queueFake } from "./fakes.ts";
import { memoryObjects } from "./object-fakes.ts";

const order = { from: "2026-11-01", to: "2026-11-30", email: "ann@shop.example" };

function setup(queue?: ErrorCode) {
  const [catalog, media, reporting] = [memoryTable(), memoryObjects(), queueFake(queue)];
  const app = create({ catalog, media, reporting });
  const post = async (body: unknown, sub?: string, headers: Record<string, string> = {}) =>
    app.fetch(jsonRequest("/reports", body, headers), contextOf(sub));
  const get = async (id: string, sub?: string) =>
    app.fetch(new Request(`https://shop.example/reports/${id}`), contextOf(sub));
  return { catalog, media, reporting, app, post, get };
}

describe("an order for a report", () => {
  test("is stored and queued, and answered with where to look", async () => {
    const { post, get, reporting, catalog } = setup();
    const answer = await post(order, "u-1");
    expect(answer.status).toBe(202);
    const { id, statusUrl } = (await answer.json()) as Record<string, string>;
    expect(statusUrl).toBe(`/reports/${id}`);
    expect(answer.headers.get("location")).toBe(statusUrl);
    expect(reporting.sent).toEqual([{ reportId: id }]);
    const row = { id, owner: "u-1", ...order, status: "queued", progress: 0 };
    expect(catalog.at(`REPORT#${id} / META`)).toMatchObject(row);
    const status = await get(id ?? "", "u-1");
    expect(status.headers.get("retry-after")).toBe("2");
    expect(await status.json()).toMatchObject({ id, status: "queued", progress: 0 });
  });

  test("goes to the token's address where it has one", async () => {
    const { app, catalog } = setup();
    const claims = { sub: "u-1", email: "own@shop.example" };
    const context = { ...contextOf(), claims };
    const answer = await app.fetch(jsonRequest("/reports", order), context);
    const { id } = (await answer.json()) as { id: string };
    expect(catalog.at(`REPORT#${id} / META`)?.email).toBe("own@shop.example");
  });

  test.each([
    ["from", { ...order, from: "2026-02-29" }],
    ["from", { ...order, from: "yesterday" }],
    ["to", { ...order, to: "2026-11-30T00:00:00Z" }],
    ["to", { ...order, to: "2026-10-31" }],
    ["to", { ...order, from: "2025-11-29" }],
    ["email", { from: order.from, to: order.to }],
    ["email", { ...order, email: "ann" }],
    ["owner", { ...order, owner: "u-2" }],
  ])("is refused for its %s: %j", async (field, body) => {
    const { post, reporting, catalog } = setup();
    const answer = await post(body, "u-1");
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ field }] });
    expect([reporting.sent, catalog.names()]).toEqual([[], []]);
  });

  test.each([
    { ...order, from: "2026-11-30" },
    { ...order, from: "2025-11-30" },
    { ...order, from: "2024-02-29", to: "2024-02-29" },
  ])("may be for 1 to 366 days: %j", async (body) => {
    expect((await setup().post(body, "u-1")).status).toBe(202);
  });

  test("needs a token", async () => {
    const { post, get } = setup();
    expect([(await post(order)).status, (await get("x")).status]).toEqual([401, 401]);
  });
});

describe("an order with an Idempotency-Key", () => {
  const key = { "idempotency-key": "order-7" };
  const idOf = async (answer: Promise<Response>) =>
    ((await (await answer).json()) as JsonObject).id;

  test("is one report, however often it is sent", async () => {
    const { post, catalog } = setup();
    const ids = [await idOf(post(order, "u-1", key)), await idOf(post(order, "u-1", key))];
    expect(ids[0]).toBe(ids[1]);
    expect(catalog.names()).toHaveLength(1);
  });

  test("that was stored, but not queued, is queued when it is sent again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { catalog, media } = setup();
    const failing = create({ catalog, media, reporting: queueFake("unavailable") });
    const request = () => jsonRequest("/reports", order, key);
    expect((await failing.fetch(request(), contextOf("u-1"))).status).toBe(503);
    const reporting = queueFake();
    const app = create({ catalog, media, reporting });
    expect((await app.fetch(request(), contextOf("u-1"))).status).toBe(202);
    expect(reporting.sent).toHaveLength(1);
  });

  test("is not queued again once it is being made", async () => {
    const { post, catalog, reporting } = setup();
    const id = await idOf(post(order, "u-1", key));
    const at = { pk: `REPORT#${id}`, sk: "META" };
    await catalog.put(at, { ...(await catalog.get(at)), status: "done", progress: 1 });
    expect(await idOf(post(order, "u-1", key))).toBe(id);
    expect(reporting.sent).toHaveLength(1);
  });

  test("that was used for another report is a 409", async () => {
    const { post, reporting } = setup();
    await post(order, "u-1", key);
    expect((await post({ ...order, from: "2026-11-02" }, "u-1", key)).status).toBe(409);
    expect(reporting.sent).toHaveLength(1);
  });

  test("is the user's own: another's with the same key is another report", async () => {
    const { post } = setup();
    expect(await idOf(post(order, "u-1", key))).not.toBe(await idOf(post(order, "u-2", key)));
  });

  test.each(["", "ä", "a".repeat(201)])("of another form is a 400: %j", async (given) => {
    const { post, catalog } = setup();
    const answer = await post(order, "u-1", { "idempotency-key": given });
    expect([answer.status, catalog.names()]).toEqual([400, []]);
  });
});

describe("a report", () => {
  const id = "0b0b1a60-7d43-4a7e-9a61-0f4f8d2f6f5e";
  const row = { id, owner: "u-1", ...order, stage: "1", at: "2026-11-30T10:00:00.000Z" };
  const stored = async (more: JsonObject) => {
    const made = setup();
    await made.catalog.put({ pk: `REPORT#${id}`, sk: "META" }, { ...row, ...more });
    return made;
  };

  test("that is being made shows how far it is, and no link", async () => {
    const { get, media } = await stored({ status: "running", progress: 0.45 });
    const answer = (await (await get(id, "u-1")).json()) as JsonObject;
    expect(answer).toMatchObject({ status: "running", progress: 0.45 });
    expect(answer).not.toHaveProperty("links");
    expect(media.calls).toEqual([]);
  });

  test("that is done has links to save both files by, for an hour", async () => {
    const files = { csv: `reports/${id}/report.csv`, pdf: `reports/${id}/report.pdf` };
    const { get } = await stored({ status: "done", progress: 1, rows: 12, ...files });
    const answer = await get(id, "u-1");
    expect(answer.headers.has("retry-after")).toBe(false);
    const { links, ...about } = (await answer.json()) as JsonObject & { links: typeof files };
    expect(about).toMatchObject({ status: "done", progress: 1, rows: 12 });
    for (const kind of ["csv", "pdf"] as const) {
      const url = new URL(links[kind]);
      expect(decodeURIComponent(url.pathname)).toBe(`/${files[kind]}`);
      expect(JSON.parse(url.searchParams.get("for") ?? "")).toEqual({
        expiresSeconds: 3600,
        fileName: `report-2026-11-01-to-2026-11-30.${kind}`,
      });
    }
  });

  test("that failed says why", async () => {
    const { get } = await stored({ status: "failed", progress: 0.5, reason: "order fewer days" });
    expect(await (await get(id, "u-1")).json()).toMatchObject({ reason: "order fewer days" });
  });

  test("of somebody else looks like none", async () => {
    const { get } = await stored({ status: "done", progress: 1 });
    const theirs = await get(id, "u-2");
    const none = await get("1b0b1a60-7d43-4a7e-9a61-0f4f8d2f6f5e", "u-2");
    expect([theirs.status, await theirs.json()]).toEqual([404, await none.json()]);
  });
});
