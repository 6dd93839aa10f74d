import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Cloud } from "./cloud.ts";
import { poll, settle } from "./sources.ts";

const order = (orderId: string) => ({
  orderId,
  email: "buyer@example.com",
  items: [{ sku: "print-a4", quantity: 2 }],
  total: 2_400,
  currency: "EUR",
});

describe("a batch of orders", () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await Cloud.start();
  });
  afterEach(() => {
    cloud.wire.fault = () => undefined;
  });
  afterAll(() => cloud?.stop());

  const place = (body: unknown) =>
    cloud.send("stores-placed", typeof body === "string" ? body : JSON.stringify(body));
  const packed = async (id: string) => (await cloud.documents(`ORDER#${id}`)).FULFILMENT;

  test("with one that is no order and one that fails for now: only the latter comes back", async () => {
    const good = Array.from({ length: 8 }, (_, n) => `good-${n}`);
    for (const id of good) await place(order(id));
    await place({ ...order("poison"), items: [] });
    const transient = await place(order("transient"));
    cloud.wire.fault = ({ service, body }) =>
      service === "dynamodb" && body.includes("transient")
        ? { status: 500, type: "InternalServerError" }
        : undefined;

    const first = await poll(cloud, "fulfil");
    expect(first?.event.Records).toHaveLength(10);
    expect(first?.answer).toEqual({ batchItemFailures: [{ itemIdentifier: transient }] });
    for (const id of good) expect(await packed(id)).toMatchObject({ status: "packed" });
    expect([await packed("poison"), await packed("transient")]).toEqual([undefined, undefined]);
    const letters = await cloud.deadLetters("fulfil");
    expect(letters.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("no order; correct what sends it"),
    ]);
    expect(JSON.parse(letters[0]?.body ?? "")).toMatchObject({ orderId: "poison" });

    cloud.wire.fault = () => undefined;
    const [second, ...more] = await settle(cloud, "fulfil");
    expect(second?.event.Records).toHaveLength(1);
    expect([second?.answer, more]).toEqual([{ batchItemFailures: [] }, []]);
    expect(await packed("transient")).toMatchObject({ status: "packed" });
  });

  test("that brings one order again packs it once, and tells it with one id", async () => {
    await place(order("again"));
    await settle(cloud, "fulfil");
    const before = await packed("again");
    await place(order("again"));
    await settle(cloud, "fulfil");
    expect(await packed("again")).toEqual(before);
    await settle(cloud, "activity");
    const today = String(before?.at).slice(0, 10);
    const told = Object.values(await cloud.documents(`ACTIVITY#${today}`));
    expect(told.filter(({ id }) => id === "order.fulfilled:again")).toHaveLength(1);
  });

  test.each([
    ["is no JSON", "{", "its body is no JSON"],
    ["is empty JSON", "null", "no order"],
    ["is of another schema", JSON.stringify({ ...order("x"), v: 2 }), "no order"],
    [
      "is too large to be one",
      JSON.stringify({ ...order("x"), note: "x".repeat(200_000) }),
      "no order",
    ],
    ["names a parent folder", JSON.stringify(order("../../x")), "no order"],
  ])("whose body %s is set aside at once, whole, with the reason", async (_, body, reason) => {
    await place(body);
    const [batch, ...more] = await settle(cloud, "fulfil");
    expect([batch?.answer, more]).toEqual([{ batchItemFailures: [] }, []]);
    const letters = await cloud.deadLetters("fulfil");
    expect(letters).toEqual([{ body, reason: expect.stringContaining(reason) }]);
  });

  test("whose order never can be packed is set aside at its last delivery, with the reason", async () => {
    cloud.wire.fault = ({ service, body }) =>
      service === "dynamodb" && body.includes("hopeless")
        ? { status: 400, type: "ProvisionedThroughputExceededException" }
        : undefined;
    await place(order("hopeless"));
    const batches = await settle(cloud, "fulfil");
    expect(batches.map(({ answer }) => answer.batchItemFailures.length)).toEqual([1, 1, 1, 1, 0]);
    expect(await cloud.deadLetters("fulfil")).toEqual([
      {
        body: JSON.stringify(order("hopeless")),
        reason: expect.stringMatching(/^table "catalog": /),
      },
    ]);
  });

  test("that the function did not survive comes back as a whole, and is done then", async () => {
    const id = await place(order("killed"));
    const made = await cloud.function("fulfil");
    cloud.wire.fault = ({ body }) => {
      if (body.includes("killed")) void made.stop();
      return undefined;
    };
    const lost = await poll(cloud, "fulfil");
    expect(lost?.answer).toEqual({ batchItemFailures: [{ itemIdentifier: id }] });
    cloud.wire.fault = () => undefined;
    await settle(cloud, "fulfil");
    expect(await packed("killed")).toMatchObject({ status: "packed" });
  });
});
