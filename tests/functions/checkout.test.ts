import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../runtime/ports/index.ts";
import { execute, type Script, type World, worldOf } from "./checkout-engine.ts";

const atOnce = async () => {};
const inputOf = (given: JsonObject = {}): JsonObject => ({
  items: [{ sku: "print-a4", quantity: 2 }],
  source: "tok_ok",
  email: "ann@shop.example",
  ...given,
});
const scarce = { items: [{ sku: "first-edition", quantity: 1 }] };

/** What the world has of a checkout, after it. */
async function endOf(world: World, id: string) {
  const charges = await world.charges();
  const refunds = await world.refunds();
  const mails = world.mails.sent as { template: string; id: string; data: JsonObject }[];
  const mine = mails.filter(({ data }) => data.orderId === id);
  const holds = ["first-edition", "frame-oak", "camera-strap"].filter((sku) => {
    const stock = world.catalog.at(`STOCK#${sku} / UNITS`);
    return Object.hasOwn((stock?.holds ?? {}) as object, id);
  });
  return {
    outcome: world.catalog.at(`CHECKOUT#${id} / OUTCOME`)?.status,
    state: world.catalog.at(`CHECKOUT#${id} / STATE`)?.status,
    charged: charges.filter(({ key, status }) => key === id && status === "succeeded").length,
    refunded: refunds.filter((one) => one.charge_key === id && one.status === "succeeded").length,
    holds,
    placed: new Set(orderIds(world.placed.sent, id)).size,
    events: [
      ...new Set(
        world.events.published
          .filter(({ data }) => (data as JsonObject).orderId === id)
          .map((event) => event.id),
      ),
    ].sort(),
    mails: [...new Set(mine.map((mail) => mail.id))],
  };
}
const orderIds = (messages: readonly Json[], id: string) =>
  messages.map((message) => (message as { orderId: string }).orderId).filter((one) => one === id);

const confirmed = (id: string) => ({
  outcome: "confirmed",
  state: "confirmed",
  charged: 1,
  refunded: 0,
  holds: [],
  placed: 1,
  events: [`order.paid:${id}`, `order.placed:${id}`],
  mails: [`receipt-${id}`],
});
const compensated = (id: string, charged = 0) => ({
  outcome: "compensated",
  state: "compensated",
  charged,
  refunded: charged,
  holds: [],
  placed: 0,
  events: [],
  mails: [`apology-${id}`],
});

describe("a checkout", () => {
  test("of what can be sold ends confirmed: paid, placed, told, the stock sold", async () => {
    const world = worldOf(atOnce);
    const items = [
      { sku: "camera-strap", quantity: 2 },
      { sku: "print-a2", quantity: 1 },
    ];
    expect(await execute(world, "c-1", inputOf({ items }))).toBe("done");
    expect(await endOf(world, "c-1")).toEqual(confirmed("c-1"));
    expect(world.placed.sent).toEqual([
      { orderId: "c-1", email: "ann@shop.example", items, total: 9_800, currency: "EUR" },
    ]);
    expect(world.events.published.map(({ type, data }) => [type, data])).toEqual([
      ["order.placed", { orderId: "c-1", total: 9_800, currency: "EUR" }],
      ["order.paid", { orderId: "c-1", amount: 9_800, currency: "EUR", email: "ann@shop.example" }],
    ]);
    expect(world.catalog.at("STOCK#camera-strap / UNITS")).toMatchObject({ sold: 2, holds: {} });
  });

  test.each(["tok_slow", "tok_flaky"])(
    "paid with %s ends confirmed all the same",
    async (source) => {
      const world = worldOf(atOnce);
      expect(await execute(world, "c-1", inputOf({ source }))).toBe("done");
      expect(await endOf(world, "c-1")).toEqual(confirmed("c-1"));
    },
  );

  test("whose payment is declined ends released and told why", async () => {
    const world = worldOf(atOnce);
    const input = inputOf({ ...scarce, source: "tok_declined" });
    expect(await execute(world, "c-1", input)).toBe("compensated");
    expect(await endOf(world, "c-1")).toEqual(compensated("c-1"));
    expect(world.mails.sent).toEqual([
      {
        template: "apology",
        id: "apology-c-1",
        to: "ann@shop.example",
        data: { orderId: "c-1", because: "payment" },
      },
    ]);
    expect(await execute(world, "c-2", inputOf(scarce))).toBe("done");
  });

  test("of more than there is ends compensated, without a charge", async () => {
    const world = worldOf(atOnce);
    expect(await execute(world, "c-1", inputOf(scarce))).toBe("done");
    expect(await execute(world, "c-2", inputOf(scarce))).toBe("compensated");
    expect(await endOf(world, "c-2")).toEqual(compensated("c-2"));
    expect(world.mails.sent.at(-1)).toMatchObject({ data: { because: "stock" } });
    expect((await world.charges()).map(({ key }) => key)).toEqual(["c-1"]);
  });

  test.each<[string, JsonObject]>([
    ["an unknown product", { items: [{ sku: "unicorn", quantity: 1 }] }],
    ["a name that every object has", { items: [{ sku: "constructor", quantity: 1 }] }],
    ["no product", { items: [] }],
    ["no whole number of them", { items: [{ sku: "print-a4", quantity: 1.5 }] }],
    ["one product twice", { items: [...scarce.items, ...scarce.items] }],
    ["another price than it was shown with", { total: 1 }],
    ["another currency", { currency: "USD" }],
    ["what is no source of payment", { source: "4242 4242 4242 4242" }],
    ["a field that is not known", { discount: 100 }],
  ])("of %s ends at once, with an apology and nothing else", async (_, given) => {
    const world = worldOf(atOnce);
    expect(await execute(world, "c-1", inputOf(given))).toBe("compensated");
    expect(await endOf(world, "c-1")).toEqual(compensated("c-1"));
    expect(await world.charges()).toEqual([]);
  });

  test("without an address ends without a mail", async () => {
    const world = worldOf(atOnce);
    expect(await execute(world, "c-1", inputOf({ email: "ann" }))).toBe("compensated");
    expect(await endOf(world, "c-1")).toEqual({ ...compensated("c-1"), mails: [] });
  });

  test("may say what the customer was shown", async () => {
    const world = worldOf(atOnce);
    const input = inputOf({ total: 2_400, currency: "EUR" });
    expect(await execute(world, "c-1", input)).toBe("done");
  });
});

describe("a step that comes after it was undone", () => {
  const input = inputOf(scarce);
  async function undone() {
    const world = worldOf(atOnce);
    const validate = (await world.handlers.validate({ id: "c-1", input, results: {} })) as Json;
    const context = { id: "c-1", input, results: { validate } };
    await world.handlers.refund(context);
    await world.handlers.release(context);
    return { world, context };
  }

  test.each(["reserve", "pay", "confirm"] as const)("%s is refused", async (step) => {
    const { world, context } = await undone();
    await expect(world.handlers[step](context)).rejects.toMatchObject({ code: "conflict" });
    await world.handlers.apologise(context);
    expect(await endOf(world, "c-1")).toEqual(compensated("c-1"));
  });
});

describe("a step that was given up, and goes on when all was undone, from wherever it stood", () => {
  const input = inputOf(scarce);

  /** Holds the first call at its nth turn, until it is told to go on; others pass. */
  function stall(at: number) {
    let turns = 0;
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let reached = () => {};
    const isThere = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const turn = async () => {
      turns += 1;
      if (turns - 1 !== at) return;
      reached();
      await gate;
    };
    return { turn, goOn, isThere };
  }

  test.each(["reserve", "pay", "confirm"] as const)("%s", async (step) => {
    const outcomes = new Set<unknown>();
    for (let at = 0, isOver = false; !isOver; at += 1) {
      const { turn, goOn, isThere } = stall(at);
      let isStalling = false;
      const world = worldOf(async () => (isStalling ? turn() : undefined));
      const validate = (await world.handlers.validate({ id: "c-1", input, results: {} })) as Json;
      const context = { id: "c-1", input, results: { validate } };
      for (const before of ["reserve", "pay"] as const) {
        if (before === step) break;
        await world.handlers[before](context);
      }
      isStalling = true;
      const late = Promise.resolve(world.handlers[step](context))
        .catch(() => {})
        .then(() => {
          isOver = true;
        });
      await Promise.race([isThere, late]);
      isStalling = false;
      const wasOver: boolean = isOver;

      const failed = { step, reason: "States.Timeout" };
      if (step !== "reserve") await world.handlers.refund({ ...context, failed });
      await world.handlers.release({ ...context, failed });
      await world.handlers.apologise({ ...context, failed });
      goOn();
      await late;
      isOver = wasOver;
      const end = await endOf(world, "c-1");
      outcomes.add(end.outcome);
      expect(end, `stalled at turn ${at}`).toEqual(
        end.outcome === "confirmed" ? confirmed("c-1") : compensated("c-1", end.charged),
      );
      expect(await execute(world, "c-2", input)).toBe(
        end.outcome === "confirmed" ? "compensated" : "done",
      );
    }
    expect([...outcomes]).toEqual(
      step === "confirm" ? ["compensated", "confirmed"] : ["compensated"],
    );
  });
});

test("a confirmation that was given up on its way is completed by what would undo it", async () => {
  const world = worldOf(atOnce);
  const input = inputOf(scarce);
  const validate = (await world.handlers.validate({ id: "c-1", input, results: {} })) as Json;
  const context = { id: "c-1", input, results: { validate } };
  await world.handlers.reserve(context);
  await world.handlers.pay(context);
  // As a confirm that was killed right after it had decided.
  await world.catalog.put({ pk: "CHECKOUT#c-1", sk: "OUTCOME" }, { status: "confirmed" });
  for (const step of ["refund", "release", "apologise"] as const)
    await world.handlers[step]({ ...context, failed: { step: "confirm", reason: "killed" } });
  expect(await endOf(world, "c-1")).toEqual(confirmed("c-1"));
});

describe("whatever fails, hangs, is lost, or is called twice or late", () => {
  const script = fc
    .record({
      faults: fc.array(fc.constantFrom("none", "none", "before", "after"), { maxLength: 40 }),
      tries: fc.array(
        fc.record(
          { patience: fc.nat({ max: 14 }), twice: fc.boolean(), echo: fc.nat({ max: 9 }) },
          { requiredKeys: ["twice"] },
        ),
        { maxLength: 7 },
      ),
    })
    // An undoing is tried nine times: with less that goes wrong than that, none is stuck.
    .map(({ faults, tries }): Script => {
      let left = 8 - tries.filter(({ patience }) => patience !== undefined).length;
      return {
        tries,
        faults: faults.map((fault) => (fault === "none" || left-- > 0 ? fault : "none")),
      };
    });
  const source = fc.constantFrom(
    "tok_ok",
    "tok_ok",
    "tok_ok",
    "tok_declined",
    "tok_slow",
    "tok_flaky",
  );
  const items = fc.constantFrom(
    scarce.items,
    [...scarce.items, { sku: "camera-strap", quantity: 3 }],
    [{ sku: "camera-strap", quantity: 39 }],
    [{ sku: "print-a4", quantity: 1 }],
  );

  test("each checkout ends confirmed or fully compensated, and no unit is sold twice", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        script,
        fc.array(fc.record({ source, items }), { minLength: 1, maxLength: 3 }),
        async (s, given, orders) => {
          const world = worldOf((label) => s.schedule(Promise.resolve(), label), given);
          const all = Promise.all(
            orders.map((order, n) => execute(world, `c-${n}`, inputOf(order))),
          );
          const ends = await s.waitFor(all);
          await s.waitFor(Promise.all(world.strays));

          for (const [n, end] of ends.entries()) {
            const found = await endOf(world, `c-${n}`);
            seen.add(`${end} ${String(found.outcome)} ${found.charged}`);
            expect(end).not.toBe("stuck");
            if (end === "done") expect(found.outcome).toBe("confirmed");
            expect(found).toEqual(
              found.outcome === "confirmed"
                ? confirmed(`c-${n}`)
                : compensated(`c-${n}`, found.charged),
            );
          }
          for (const [sku, units] of Object.entries({ "first-edition": 1, "camera-strap": 40 })) {
            const sold = orders
              .filter(
                (_, n) => world.catalog.at(`CHECKOUT#c-${n} / OUTCOME`)?.status === "confirmed",
              )
              .flatMap((order) => order.items)
              .filter((line) => line.sku === sku)
              .reduce((sum, { quantity }) => sum + quantity, 0);
            expect(sold).toBeLessThanOrEqual(units);
            expect(world.catalog.at(`STOCK#${sku} / UNITS`)?.sold ?? 0).toBe(sold);
          }
        },
      ),
      { numRuns: 400 },
    );
    // The script reaches an odd end too: paid and given back. Given up and yet confirmed, the test
    // above, is too rare to be drawn each time.
    expect([...seen]).toEqual(
      expect.arrayContaining([
        "done confirmed 1",
        "compensated compensated 0",
        "compensated compensated 1",
      ]),
    );
  });
});
