import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Facts } from "../../bench/drills/facts.ts";
import { planOf } from "../../bench/drills/plan.ts";
import { type Answered, verdictOf } from "../../bench/drills/verdict.ts";
import type { Result } from "../../bench/result.ts";

const root = path.resolve(import.meta.dirname, "../..");

async function drill(...args: string[]) {
  const program = path.join(root, "bench/drills/run.ts");
  const child = spawn(process.execPath, [program, ...args], { cwd: root });
  let [out, error] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    error += chunk;
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, out, error };
}

describe("npm run drill -- kill", () => {
  test("nothing is lost or done twice while the host is killed three times", async () => {
    const args = ["kill", "--orders", "60", "--images", "10", "--kills", "3", "--json"];
    const { code, out, error } = await drill(...args);
    expect(code, `${error}\n${out}`).toBe(0);
    const { results } = JSON.parse(out) as { results: Result[] };
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    const value = (name: string) => results.find((one) => one.name === name)?.value;
    expect(value("kills")).toBe(3);
    expect(value("in flight at a kill, at least")).toBeGreaterThan(0);
    expect(value("orders: answered")).toBe(60);
    expect(value("images: answered")).toBe(10);
  }, 900_000);

  test("what it does not understand is refused with exit code 2 and how to use it", async () => {
    for (const args of [[], ["flood"], ["kill", "--orders", "many"], ["kill", "--fast"]]) {
      const { code, error } = await drill(...args);
      expect(error).toMatch(/^drill: .*; use: npm run drill -- kill .* npm run drill -- outage /s);
      expect(code).toBe(2);
    }
  });
});

describe("npm run drill -- outage", () => {
  test("orders are refused clearly while the database is away, and none is lost or doubled", async () => {
    const { code, out, error } = await drill("outage", "--rate", "5", "--seconds", "4", "--json");
    expect(code, `${error}\n${out}`).toBe(0);
    const { results } = JSON.parse(out) as { results: Result[] };
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    const value = (name: string) => results.find((one) => one.name === name)?.value;
    expect(value("without Postgres: told to come again")).toBeGreaterThan(0);
    expect(value("orders: answered")).toBeGreaterThan(20);
  }, 900_000);
});

describe("a plan", () => {
  const size = { orders: 200, images: 50, kills: 10, seed: 7 };

  test("is the same for the same seed, and another for another", () => {
    expect(planOf(size)).toEqual(planOf(size));
    expect(planOf({ ...size, seed: 8 }).orders).not.toEqual(planOf(size).orders);
  });

  test("kills while there is something left to send", () => {
    const { kills } = planOf(size);
    expect(kills).toHaveLength(10);
    expect(kills.every((share) => share > 0 && share < 0.9)).toBe(true);
  });

  test("has orders of every ending, and images of every kind", () => {
    const { orders, images } = planOf(size);
    const sources = new Set(orders.map(({ source }) => source));
    expect([...sources].sort()).toEqual(
      ["tok_declined", "tok_flaky", "tok_ok", "tok_slow", "tok_unanswered"].sort(),
    );
    expect(new Set(images.map(({ content }) => content)).size).toBe(3);
  });
});

describe("the verdict", () => {
  const items = [{ sku: "frame-oak", quantity: 2 }];
  const order = { user: 0, items, source: "tok_ok", endings: ["confirmed"] } as const;
  const image = { user: 0, colour: [1, 2, 3], orientation: 1 } as const;
  const answered: Answered = {
    orders: [
      { ...order, key: "k-1", id: "co_1" },
      { ...order, key: "k-2", id: "co_2", source: "tok_declined", endings: ["compensated"] },
    ],
    images: [
      { ...image, name: "a.jpg", content: "photo", objectKey: "uploads/a.jpg" },
      { ...image, name: "b.jpg", content: "cut short", objectKey: "uploads/b.jpg" },
    ],
    failures: [{ event: "evt_1", orderId: "o-1", reason: "expired_card" }],
  };
  const damaged = {
    queue: "thumbnails",
    body: JSON.stringify({ key: "uploads/b.jpg" }),
    reason: "it is damaged",
  };
  const events = ["order.placed:co_1", "order.paid:co_1", "order.fulfilled:co_1"];
  const post = "Payment of order o-1 failed: expired_card";
  const good: Facts = {
    executions: new Map([
      ["co_1", { status: "done", reason: "" }],
      ["co_2", { status: "compensated", reason: "declined" }],
    ]),
    told: new Map([
      ["co_1", { status: "confirmed", total: 9000 }],
      ["co_2", { status: "compensated" }],
    ]),
    packed: new Set(["co_1"]),
    recorded: new Map(events.map((event) => [event, 1])),
    stock: [{ sku: "frame-oak", sold: 2, held: 0 }],
    setAside: [damaged],
    images: new Map([["uploads/a.jpg", ["s", "m", "l"]]]),
    scanned: new Set(["uploads/a.jpg"]),
    sizes: new Set(["s", "m", "l"]),
    mails: new Map([
      ["<receipt-co_1@example.com>", 1],
      ["<apology-co_2@example.com>", 1],
    ]),
    posts: new Map([[post, 1]]),
    chargesAsked: new Map([["co_1", 1]]),
    charges: [{ key: "co_1", status: "succeeded", amount: 9000 }],
    refunds: [{ charge_key: "co_2", status: "voided", amount: 0 }],
  };
  const strain = { kills: 1, late: 1 };
  const failing = (facts: Partial<Facts>) =>
    verdictOf(answered, { ...good, ...facts }, strain)
      .results.filter(({ ok }) => !ok)
      .map(({ name }) => name);

  test("of a world where all is right has no fault", () => {
    const { faults, results } = verdictOf(answered, good, strain);
    expect(faults).toEqual([]);
    expect(results.every(({ ok }) => ok)).toBe(true);
  });

  const without = <V>(map: ReadonlyMap<string, V>, key: string) =>
    new Map([...map].filter(([name]) => name !== key));
  const stillRuns = { executions: new Map([["co_1", { status: "running", reason: "" }]]) };

  test.each<[string, Partial<Facts>, string]>([
    ["an order without an ending", { told: without(good.told, "co_2") }, "orders: lost"],
    ["an order that is not packed", { packed: new Set() }, "orders: lost"],
    ["an event that is not recorded", { recorded: new Map() }, "orders: lost"],
    [
      "an event that is recorded twice",
      { recorded: new Map([...good.recorded, ["order.paid:co_1", 2]]) },
      "orders: doubled",
    ],
    [
      "a compensated order that is packed",
      { packed: new Set(["co_1", "co_2"]) },
      "orders: doubled",
    ],
    [
      "an execution that nobody asked for",
      { executions: new Map([...good.executions, ["co_3", { status: "done", reason: "" }]]) },
      "orders: doubled",
    ],
    ["money not taken", { charges: [] }, "payments: orders that paid not what they owe"],
    [
      "money kept of an order that was compensated",
      { charges: [...good.charges, { key: "co_2", status: "succeeded", amount: 100 }] },
      "payments: orders that paid not what they owe",
    ],
    [
      "two charges of one order",
      { charges: [...good.charges, ...good.charges] },
      "payments: charges twice",
    ],
    [
      "two refunds of one order",
      { refunds: [...good.refunds, ...good.refunds] },
      "payments: refunds twice",
    ],
    [
      "a charge of nobody's",
      { charges: [...good.charges, { key: "co_9", status: "succeeded", amount: 1 }] },
      "payments: charges of no order",
    ],
    [
      "units that are still held",
      { stock: [{ sku: "frame-oak", sold: 2, held: 1 }] },
      "stock: units still held",
    ],
    [
      "units sold twice",
      { stock: [{ sku: "frame-oak", sold: 4, held: 0 }] },
      "stock: products sold otherwise than ordered",
    ],
    ["an image without a row", { images: new Map(), sizes: new Set() }, "images: lost"],
    ["an image without its large size", { sizes: new Set(["s", "m"]) }, "images: lost"],
    ["an image that was not scanned", { scanned: new Set() }, "images: lost"],
    ["a size that belongs to no row", { sizes: new Set(["s", "m", "l", "x"]) }, "images: doubled"],
    ["a damaged image that is not set aside", { setAside: [] }, "images: lost"],
    [
      "a mail that did not come",
      { mails: without(good.mails, "<receipt-co_1@example.com>") },
      "mails: missing",
    ],
    [
      "a receipt for an order that was compensated",
      { mails: new Map([...good.mails, ["<receipt-co_2@example.com>", 1]]) },
      "mails: nobody's",
    ],
    ["a post that did not come", { posts: new Map() }, "posts: missing"],
    ["a post of nobody's", { posts: new Map([...good.posts, ["Hello", 1]]) }, "posts: nobody's"],
    [
      "a dead letter without a reason",
      { setAside: [damaged, { queue: "mails", body: "{}", reason: "" }] },
      "dead letters: without a reason",
    ],
    [
      "an order that still runs",
      { ...stillRuns, told: without(good.told, "co_1") },
      "orders: lost",
    ],
  ])("finds %s", (_, facts, name) => {
    expect(failing(facts)).toContain(name);
  });

  test("takes what is in the dead letters with a reason for accounted for", () => {
    const aside = (queue: string, text: string) => ({ queue, body: text, reason: "not in time" });
    const facts: Partial<Facts> = {
      packed: new Set(),
      recorded: new Map([["order.placed:co_1", 1]]),
      mails: new Map(),
      posts: new Map(),
      images: new Map(),
      sizes: new Set(),
      setAside: [
        damaged,
        aside("placed", '{"orderId":"co_1"}'),
        aside("activity", '{"id":"order.paid:co_1"}'),
        aside("mails", '{"id":"receipt-co_1"}'),
        aside("mails", '{"id":"apology-co_2"}'),
        aside("alerts", '{"data":{"orderId":"o-1"}}'),
        aside("thumbnails", '{"key":"uploads/a.jpg"}'),
      ],
    };
    expect(failing(facts)).toEqual([]);
    const silent = facts.setAside?.map((one) => ({ ...one, reason: "" }));
    expect(failing({ ...facts, setAside: silent })).toEqual(
      expect.arrayContaining(["orders: lost", "mails: missing", "posts: missing", "images: lost"]),
    );
  });

  test("counts second copies of mails and posts, and forgives them", () => {
    const copied = {
      ...good,
      mails: new Map([...good.mails, ["<receipt-co_1@example.com>", 3]]),
      posts: new Map([[post, 2]]),
    };
    const { results, faults } = verdictOf(answered, copied, strain);
    expect(faults).toEqual([]);
    const value = (name: string) => results.find((one) => one.name === name)?.value;
    expect(value("mails: second copies, with the same Message-ID")).toBe(2);
    expect(value("posts: second copies")).toBe(1);
  });

  test("forgives no more second copies than kills and late messages explain", () => {
    expect(failing({ posts: new Map([[post, 22]]) })).toEqual([]);
    expect(failing({ posts: new Map([[post, 23]]) })).toEqual(["posts: second copies"]);
  });
});
