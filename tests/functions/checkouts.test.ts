import { describe, expect, test } from "vitest";
import { create } from "../../functions/checkouts/index.ts";
import type { Execution, JsonObject } from "../../runtime/ports/index.ts";
import { contextOf, jsonRequest, memoryTable, workflowFake } from "./fakes.ts";

const order = {
  items: [{ sku: "print-a4", quantity: 2 }],
  source: "tok_ok",
  email: "ann@shop.example",
};

function setup() {
  const ports = { catalog: memoryTable(), checkout: workflowFake() };
  const app = create(ports);
  const answerOf = async (response: Response | Promise<Response>) => {
    const { status, headers } = await response;
    return { status, headers, json: (await (await response).json()) as JsonObject };
  };
  const post = (body: unknown, key: string | undefined = "k-1", sub = "u-1") =>
    answerOf(
      app.fetch(
        jsonRequest("/checkouts", body, key === "" ? {} : { "idempotency-key": key }),
        contextOf(sub),
      ),
    );
  const get = (id: string, sub = "u-1") =>
    answerOf(app.fetch(new Request(`https://shop.example/checkouts/${id}`), contextOf(sub)));
  return { ...ports, post, get };
}

describe("a checkout", () => {
  test("starts, and says where to ask for it", async () => {
    const { checkout, post, get } = setup();
    const { status, headers, json } = await post(order);
    expect([status, json]).toEqual([202, { id: json.id, statusUrl: `/checkouts/${json.id}` }]);
    expect(headers.get("location")).toBe(json.statusUrl);
    expect([...checkout.inputs]).toEqual([[json.id, order]]);
    expect((await get(String(json.id))).json).toMatchObject({ id: json.id, status: "running" });
  });

  test("starts once for a key, however often it is sent", async () => {
    const { catalog, checkout, post } = setup();
    const answers = await Promise.all([post(order), post(order)]);
    answers.push(await post(order));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(checkout.inputs.size).toBe(1);
    expect(catalog.names().filter((name) => name.startsWith("CHECKOUT#"))).toHaveLength(1);
  });

  test("is another one for another key, and for another user's same key", async () => {
    const { checkout, post } = setup();
    await post(order, "k-1", "u-1");
    await post(order, "k-2", "u-1");
    await post(order, "k-1", "u-2");
    expect(checkout.inputs.size).toBe(3);
  });

  test("of another order with a key that was used is a 409", async () => {
    const { post } = setup();
    await post(order);
    expect((await post({ ...order, source: "tok_slow" })).status).toBe(409);
  });

  test("is found by the cleanup a day later", async () => {
    const { catalog, post } = setup();
    const { id } = (await post(order)).json;
    const session = catalog.names().find((name) => name.startsWith("SESSIONS"));
    const [, at] = /^SESSIONS \/ (.+)#co_/.exec(session ?? "") ?? [];
    const stored = Date.parse(String(catalog.at(`CHECKOUT#${id} / META`)?.at));
    expect(Date.parse(at ?? "") - stored).toBe(86_400_000);
    expect(catalog.at(session ?? "")).toEqual({ id, pk: `CHECKOUT#${id}` });
  });

  test("without an Idempotency-Key is a 400 that names it, and does not start", async () => {
    const { catalog, checkout, post } = setup();
    const { status, json } = await post(order, "");
    expect([status, json.errors]).toMatchObject([400, [{ field: "Idempotency-Key" }]]);
    expect([catalog.names(), checkout.inputs.size]).toEqual([[], 0]);
  });

  test.each<[string, unknown]>([
    ["items", { ...order, items: [] }],
    ["items.0.quantity", { ...order, items: [{ sku: "print-a4", quantity: 0 }] }],
    ["items.0.sku", { ...order, items: [{ sku: "../x", quantity: 1 }] }],
    ["items.0.price", { ...order, items: [{ sku: "print-a4", quantity: 1, price: 1 }] }],
    ["source", { ...order, source: "4242424242424242" }],
    ["email", { ...order, email: "ann" }],
    ["total", { ...order, total: 1 }],
  ])("with %s that does not fit is a 400, and does not start", async (field, body) => {
    const { checkout, post } = setup();
    const { status, json } = await post(body);
    const fields = (json.errors as unknown as { field: string }[]).map((error) => error.field);
    expect([status, fields, checkout.inputs.size]).toEqual([400, [field], 0]);
  });
});

describe("how it stands", () => {
  const told = { status: "confirmed", total: 2_400, currency: "EUR" };

  test.each<[string, Execution["status"], JsonObject | undefined, JsonObject]>([
    ["running", "running", undefined, { status: "running" }],
    ["confirmed", "done", told, { ...told }],
    ["confirmed, by a try that was given up", "compensated", told, { ...told }],
    [
      "compensated, and why",
      "compensated",
      { status: "compensated", because: "payment" },
      { status: "compensated", because: "payment" },
    ],
    ["stuck", "stuck", { status: "compensated", because: "other" }, { status: "stuck" }],
    ["running until all is told", "done", undefined, { status: "running" }],
  ])("%s", async (_, status, state, expected) => {
    const { catalog, checkout, post, get } = setup();
    const id = String((await post(order)).json.id);
    checkout.executions.set(id, { id, status, startedAt: new Date() });
    if (state) await catalog.put({ pk: `CHECKOUT#${id}`, sk: "STATE" }, state);
    const { at, ...shown } = (await get(id)).json;
    expect([at, shown]).toEqual([expect.stringMatching(/^\d{4}-/), { id, ...expected }]);
  });

  test("is for its owner alone: others learn nothing, not even that it is there", async () => {
    const { post, get } = setup();
    const id = String((await post(order)).json.id);
    const [foreign, none] = await Promise.all([get(id, "u-2"), get(`co_${"0".repeat(32)}`)]);
    expect([foreign.status, none.status]).toEqual([404, 404]);
    expect(foreign.json).toEqual(none.json);
  });

  test.each(["co_1", "%00", "x".repeat(2000), "co_%F0%9F%98%80"])("of %s is a 404", async (id) => {
    expect((await setup().get(id)).status).toBe(404);
  });
});
