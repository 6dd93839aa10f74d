import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Event, EventEnvelope, Json, QueueConsumer } from "../../../runtime/ports/index.ts";
import { refusal } from "./refusal.ts";

/** The name of the system that publishes. */
export const source = "storefront";

/** A channel with its subscribers, in the order in which they were asked for. */
export interface Subscribed {
  publish(event: Event): Promise<{ readonly id: string }>;
  readonly consumers: readonly QueueConsumer[];
}

/** A service, in which `make` gives a new channel with a subscriber for each choice. */
export interface EventService<Choice> {
  make(choices: readonly (Choice | undefined)[]): Promise<Subscribed>;
  /** A message's body as the envelope that its handler gets. Default: as it is */
  read?(body: Json): Json;
  close(): Promise<void>;
}

/** Starts the service for a suite and gives what its tests work with. */
export function eventSuite<Choice>(start: () => Promise<EventService<Choice>>) {
  let service: EventService<Choice> | undefined;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service?.close());
  const started = () => {
    if (!service) throw new Error("the event service did not start");
    return service;
  };
  const make = (...choices: readonly (Choice | undefined)[]) => started().make(choices);

  /** What comes to a consumer until so many have come and no more are there. */
  const received = async (consumer: QueueConsumer | undefined, count: number) => {
    const events: EventEnvelope[] = [];
    for (const end = Date.now() + 10_000; ; ) {
      const deliveries = (await consumer?.receive(10, events.length < count ? 1 : 0)) ?? [];
      for (const { message, done } of deliveries) {
        const { read = (body: Json) => body } = started();
        events.push(read(message.body) as unknown as EventEnvelope);
        await done();
      }
      if (deliveries.length === 0 && (events.length >= count || Date.now() > end)) return events;
    }
  };

  /** Which of the events reach a subscriber of this choice, by their ids. */
  const chosen = async (choice: Choice | undefined, events: readonly Event[]) => {
    const { publish, consumers } = await make(choice, undefined);
    for (const event of events) await publish(event);
    // Who wants all of them tells when they have come.
    await received(consumers[1], events.length);
    return (await received(consumers[0], 0)).map((event) => event.id).sort();
  };
  return { make, received, chosen };
}

/** What topics and buses have in common. */
export function publishContract(suite: ReturnType<typeof eventSuite<never>>): void {
  const { make, received } = suite;
  const type = "order.paid";

  it("hands an event to every subscriber, with its id, type, source, time and data", async () => {
    const { publish, consumers } = await make(undefined, undefined, undefined);
    const data = { orderId: "7", lines: [{ sku: "é 😀", price: 1.5 }, null, true] };
    const { id } = await publish({ type, data });
    for (const consumer of consumers) {
      const [event, ...more] = await received(consumer, 1);
      expect(event).toEqual({ id, type, source, at: expect.any(String), data });
      expect(event?.at).toBe(new Date(event?.at ?? "").toISOString());
      expect(Math.abs(Date.parse(event?.at ?? "") - Date.now())).toBeLessThan(10_000);
      expect(more).toEqual([]);
    }
  });

  it("keeps the id that was given, and gives each event without one its own", async () => {
    const { publish, consumers } = await make(undefined);
    const given = `~ ${"x".repeat(197)}!`;
    expect(await publish({ type, data: 1, id: given })).toEqual({ id: given });
    const others = [await publish({ type, data: 2 }), await publish({ type, data: 3 })];
    const ids = [given, ...others.map(({ id }) => id)];
    expect(new Set(ids).size).toBe(3);
    const events = await received(consumers[0], 3);
    expect(events.map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  it("delivers an event again where it is published again, with the same id", async () => {
    const { publish, consumers } = await make(undefined);
    for (let n = 0; n < 2; n++) await publish({ type, data: null, id: "same" });
    expect((await received(consumers[0], 2)).map(({ id }) => id)).toEqual(["same", "same"]);
  });

  it("delivers every JSON value exactly as it was published", async () => {
    const { publish, consumers } = await make(undefined);
    const value = fc
      .jsonValue({ maxDepth: 3, stringUnit: "binary" })
      .filter((json) => !JSON.stringify(json).includes('"__proto__"'))
      .map((json) => JSON.parse(JSON.stringify(json)) as Json);
    await fc.assert(
      fc.asyncProperty(value, async (data) => {
        await publish({ type, data });
        expect((await received(consumers[0], 1)).map((event) => event.data)).toEqual([data]);
      }),
      { numRuns: 25 },
    );
  });

  it("takes events at the same time, and hands each to each subscriber once", async () => {
    const { publish, consumers } = await make(undefined, undefined);
    const sent = await Promise.all(
      Array.from({ length: 60 }, (_, n) => publish({ type, data: { n } })),
    );
    const ids = sent.map(({ id }) => id).sort();
    for (const consumer of consumers)
      expect((await received(consumer, 60)).map(({ id }) => id).sort()).toEqual(ids);
  });

  it("takes an event that nobody subscribes to", async () => {
    const { publish } = await make();
    expect(await refusal(publish({ type, data: {} }))).toBe("nothing refused");
  });

  it("takes 250,000 bytes of data, and refuses what exceeds 256 KiB as too-large", async () => {
    const { publish, consumers } = await make(undefined);
    await publish({ type, data: { text: "é".repeat(125_000) } });
    expect(await refusal(publish({ type, data: "x".repeat(262_144) }))).toBe("too-large");
    const events = await received(consumers[0], 1);
    expect(events.map(({ data }) => data)).toEqual([{ text: "é".repeat(125_000) }]);
  });

  it.each<[string, unknown]>([
    ["without a type", { data: 1 }],
    ["with an empty type", { type: "", data: 1 }],
    ["with a space in its type", { type: "order paid", data: 1 }],
    ["with a type of 129 characters", { type: "x".repeat(129), data: 1 }],
    ["with an empty id", { type, id: "", data: 1 }],
    ["with an id of 201 characters", { type, id: "x".repeat(201), data: 1 }],
    ["with an id that is no ASCII", { type, id: "é", data: 1 }],
    ["with a line break in its id", { type, id: "a\nb", data: 1 }],
    ["without data", { type }],
    ["with undefined in its data", { type, data: { a: undefined } }],
    ["with NaN in its data", { type, data: [Number.NaN] }],
    ["with a date in its data", { type, data: new Date(0) }],
    ["with a lone surrogate in its data", { type, data: "\ud800" }],
  ])("refuses an event %s as invalid, and delivers nothing", async (_, event) => {
    const { publish, consumers } = await make(undefined);
    expect(await refusal(publish(event as Event))).toBe("invalid");
    await publish({ type, data: "fine" });
    expect((await received(consumers[0], 1)).map(({ data }) => data)).toEqual(["fine"]);
  });
}
