import { describe, expect, test, vi } from "vitest";
import { create } from "../../functions/payments-sandbox/index.ts";
import type { Json } from "../../runtime/ports/index.ts";
import { PortError } from "../../runtime/ports/index.ts";
import { contextOf, jsonRequest, memoryTable } from "./fakes.ts";

function setup(table = memoryTable()) {
  const waits: number[] = [];
  const app = create({ table, wait: async (ms) => waits.push(ms) });
  const send = async (path: string, body: unknown, key?: string) => {
    const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
    const answer = await app.fetch(jsonRequest(path, body, headers), contextOf());
    return { status: answer.status, body: (await answer.json()) as Json };
  };
  const charge = (key: string, source = "tok_ok", amount = 1_200) =>
    send("/v1/charges", { amount, currency: "EUR", source }, key);
  const refund = (charge_key: string, key = `${charge_key}-refund`) =>
    send("/v1/refunds", { charge_key }, key);
  const list = async (what: "charges" | "refunds") => {
    const answer = await app.fetch(new Request(`https://api.example/v1/${what}`), contextOf());
    return (await answer.json()) as { counts: object; data: object[] };
  };
  return { table, waits, send, charge, refund, list };
}
const failure = (code: string) => ({ error: { code } });

describe("a charge", () => {
  test("succeeds once for its key", async () => {
    const { charge, list } = setup();
    const first = await charge("k-1");
    expect(first).toEqual({
      status: 201,
      body: { id: expect.stringMatching(/^ch_/), status: "succeeded" },
    });
    expect(await charge("k-1")).toEqual(first);
    expect(await list("charges")).toMatchObject({
      counts: { succeeded: 1 },
      data: [{ key: "k-1" }],
    });
  });

  test("succeeds once, where twenty with one key come at a time", async () => {
    const { charge, list } = setup();
    const answers = await Promise.all(Array.from({ length: 20 }, () => charge("k-1")));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect((await list("charges")).counts).toEqual({ succeeded: 1 });
  });

  test("is remembered by who comes after", async () => {
    const { table, charge } = setup();
    const first = await charge("k-1");
    const later = setup(table);
    expect(await later.charge("k-1")).toEqual(first);
    expect((await later.list("charges")).counts).toEqual({ succeeded: 1 });
  });

  test("with a declined card is declined each time", async () => {
    const { charge, list } = setup();
    for (let n = 0; n < 2; n += 1)
      expect(await charge("k-1", "tok_declined")).toEqual({
        status: 402,
        body: failure("card_declined"),
      });
    expect((await list("charges")).counts).toEqual({ failed: 1 });
  });

  test("with a slow card takes five seconds", async () => {
    const { charge, waits } = setup();
    expect((await charge("k-1", "tok_slow")).status).toBe(201);
    expect(waits).toEqual([5_000]);
  });

  test("with a flaky card fails once for each key, and charges nothing then", async () => {
    const { charge, list } = setup();
    expect((await charge("k-1", "tok_flaky")).status).toBe(503);
    expect((await list("charges")).data).toEqual([]);
    expect((await charge("k-1", "tok_flaky")).status).toBe(201);
    expect((await charge("k-2", "tok_flaky")).status).toBe(503);
  });

  test("of another amount with the same key is refused", async () => {
    const { charge } = setup();
    await charge("k-1");
    expect(await charge("k-1", "tok_ok", 1)).toEqual({
      status: 409,
      body: failure("idempotency_mismatch"),
    });
  });

  const good = { amount: 1, currency: "EUR", source: "tok_ok" };
  test.each<[string, unknown, string?]>([
    ["idempotency_key_missing", good],
    ["invalid_request", null, "k-1"],
    ["invalid_request", { ...good, amount: 0 }, "k-1"],
    ["invalid_request", { ...good, more: 1 }, "k-1"],
    ["invalid_source", { ...good, source: "toString" }, "k-1"],
  ])("is a 400 with %s for %j", async (code, body, key) => {
    const { send, list } = setup();
    expect(await send("/v1/charges", body, key)).toEqual({ status: 400, body: failure(code) });
    expect((await list("charges")).data).toEqual([]);
  });
});

describe("a refund", () => {
  test("gives a charge back, once", async () => {
    const { charge, refund, list } = setup();
    await charge("k-1");
    const first = await refund("k-1");
    expect(first).toMatchObject({ status: 201, body: { status: "succeeded" } });
    expect(await refund("k-1")).toEqual(first);
    expect(await list("refunds")).toMatchObject({
      counts: { succeeded: 1 },
      data: [{ charge_key: "k-1", amount: 1_200 }],
    });
  });

  test("of what was never charged voids it: a charge that comes later is refused", async () => {
    const { charge, refund, list } = setup();
    expect(await refund("k-1")).toMatchObject({ status: 201, body: { status: "voided" } });
    expect(await charge("k-1")).toEqual({ status: 409, body: failure("voided") });
    expect(await refund("k-1")).toMatchObject({ body: { status: "voided" } });
    expect([(await list("charges")).data, (await list("refunds")).counts]).toEqual([
      [],
      { voided: 1 },
    ]);
  });

  test("of a declined charge gives nothing back", async () => {
    const { charge, refund } = setup();
    await charge("k-1", "tok_declined");
    expect(await refund("k-1")).toMatchObject({ status: 201, body: { status: "voided" } });
    expect((await charge("k-1", "tok_declined")).status).toBe(402);
  });

  test("under another key is refused: money goes back once", async () => {
    const { charge, refund } = setup();
    await charge("k-1");
    await refund("k-1");
    expect(await refund("k-1", "another")).toEqual({
      status: 409,
      body: failure("already_refunded"),
    });
  });

  test("and a charge at the same time end as both or neither", async () => {
    const { charge, refund, list } = setup();
    for (let n = 0; n < 20; n += 1) {
      const both = [() => charge(`k-${n}`), () => refund(`k-${n}`)];
      await Promise.all((n % 2 === 0 ? both : both.reverse()).map((one) => one()));
    }
    const { succeeded: charged = 0 } = (await list("charges")).counts as { succeeded?: number };
    const { succeeded: refunded = 0 } = (await list("refunds")).counts as { succeeded?: number };
    expect(refunded).toBe(charged);
  });
});

test("while its table is out of reach it is out of order", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const table = memoryTable();
  table.put = async () => {
    throw new PortError("unavailable", "table: an inner word");
  };
  expect(await setup(table).charge("k-1")).toEqual({ status: 503, body: failure("unavailable") });
});
