import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  Delivery,
  Json,
  Queue,
  QueueAdmin,
  QueueConsumer,
} from "../../../runtime/ports/index.ts";
import { refusal, sleep } from "./refusal.ts";

/** What system.ts says of a queue. */
export interface QueueSettings {
  readonly maxReceives: number;
  readonly visibilitySeconds: number;
  readonly maxBytes: number;
}

export interface QueueParts {
  readonly queue: Queue;
  readonly consumer: QueueConsumer;
  readonly admin: QueueAdmin;
}

/** A service, in which `make` gives a new and empty queue with its dead letters. */
export interface QueueService {
  make(settings: QueueSettings): Promise<QueueParts>;
  close(): Promise<void>;
}

/** What every Queue, QueueConsumer and QueueAdmin do, the same on every adapter. */
export function queueContract(
  title: string,
  { start }: { readonly start: () => Promise<QueueService> },
): void {
  describe(title, () => {
    let service: QueueService | undefined;
    beforeAll(async () => {
      service = await start();
    });
    afterAll(() => service?.close());

    const make = (settings: Partial<QueueSettings> = {}): Promise<QueueParts> => {
      if (!service) throw new Error("the queue service did not start");
      return service.make({
        maxReceives: 3,
        visibilitySeconds: 30,
        maxBytes: 262_144,
        ...settings,
      });
    };
    /** The next delivery, for which it waits 10 s. */
    const next = async (consumer: QueueConsumer): Promise<Delivery> => {
      for (const end = Date.now() + 10_000; Date.now() < end; ) {
        const [delivery] = await consumer.receive(1, 2);
        if (delivery) return delivery;
      }
      throw new Error("no delivery came within 10 s");
    };
    /** Asks until the answer holds, for 15 s; gives the last answer. */
    const eventually = async <T>(ask: () => Promise<T>, holds: (answer: T) => boolean) => {
      let answer = await ask();
      for (const end = Date.now() + 15_000; !holds(answer) && Date.now() < end; ) {
        await sleep(100);
        answer = await ask();
      }
      return answer;
    };
    const deadOf = (admin: QueueAdmin, count: number) =>
      eventually(
        () => admin.deadLetters(100),
        (dead) => dead.length === count,
      );

    describe("send and receive", () => {
      it("delivers what was sent, with its id, time and number of delivery", async () => {
        const { queue, consumer } = await make();
        const before = Date.now();
        const { id } = await queue.send({ order: 7, lines: ["é", null, true, 1.5] });
        const { message } = await next(consumer);
        expect(message).toEqual({
          id,
          body: { order: 7, lines: ["é", null, true, 1.5] },
          receives: 1,
          sentAt: expect.any(Date),
        });
        expect(Math.abs(message.sentAt.getTime() - before)).toBeLessThan(10_000);
      });

      it("delivers every JSON value exactly as it was sent", async () => {
        const { queue, consumer } = await make();
        const value = fc
          .jsonValue({ maxDepth: 3, stringUnit: "binary" })
          .filter((json) => !JSON.stringify(json).includes('"__proto__"'))
          .map((json) => JSON.parse(JSON.stringify(json)) as Json);
        await fc.assert(
          fc.asyncProperty(value, async (body) => {
            await queue.send(body);
            const delivery = await next(consumer);
            await delivery.done();
            expect(delivery.message.body).toEqual(body);
          }),
          { numRuns: 40 },
        );
      });

      it.each<[string, Json]>([
        ["null", null],
        ["false", false],
        ["zero", 0],
        ["empty text", ""],
        ["an empty list", []],
        ["NUL and other controls", "a\0b\u0001\u001f\u007f\u0085"],
        ["noncharacters", "\ufffe\uffff\u{1ffff}"],
        ["what looks like markup", "<a>&amp;</a>]]>"],
      ])("delivers %s as it is", async (_, body) => {
        const { queue, consumer } = await make();
        await queue.send(body);
        expect((await next(consumer)).message.body).toEqual(body);
      });

      it.each<[string, unknown]>([
        ["undefined", undefined],
        ["undefined inside", { a: undefined }],
        ["NaN", [Number.NaN]],
        ["a bigint", 1n],
        ["a date", new Date(0)],
        ["a lone surrogate", "\ud800"],
      ])("refuses %s as invalid", async (_, body) => {
        const { queue } = await make();
        expect(await refusal(queue.send(body as Json))).toBe("invalid");
      });

      it("refuses a body nested past any use as invalid, and does not break", async () => {
        const { queue } = await make();
        const deep = JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`) as Json;
        expect(await refusal(queue.send(deep))).toBe("invalid");
      });

      it("takes a body of maxBytes and refuses one byte more as too-large", async () => {
        const { queue, consumer } = await make({ maxBytes: 2048 });
        const body = "é".repeat(1023); // two bytes each, and two quotation marks
        await queue.send(body);
        expect((await next(consumer)).message.body).toBe(body);
        expect(await refusal(queue.send(`${body}x`))).toBe("too-large");
      });

      it("takes a body of 256 KiB", async () => {
        const { queue, consumer } = await make();
        const body = "x".repeat(262_142);
        await queue.send(body);
        expect((await next(consumer)).message.body).toBe(body);
      });

      it("hides a message for its delay", async () => {
        const { queue, consumer } = await make();
        await queue.send("later", { delaySeconds: 2 });
        const sent = Date.now();
        expect(await consumer.receive(1, 0)).toEqual([]);
        expect((await next(consumer)).message.body).toBe("later");
        expect(Date.now() - sent).toBeGreaterThan(900);
      });

      it.each([-1, 901, 0.5])("refuses the delay %s as invalid", async (delaySeconds) => {
        const { queue } = await make();
        expect(await refusal(queue.send("x", { delaySeconds }))).toBe("invalid");
      });

      it.each([0, 11, 1.5])("refuses to receive %s messages as invalid", async (max) => {
        const { consumer } = await make();
        expect(await refusal(consumer.receive(max, 0))).toBe("invalid");
      });

      it("gives nothing at the end of its wait", async () => {
        const { consumer } = await make();
        expect(await consumer.receive(10, 1)).toEqual([]);
      });

      it("wakes as soon as a message comes", async () => {
        const { queue, consumer } = await make();
        const began = Date.now();
        const waiting = consumer.receive(1, 15);
        await sleep(300);
        await queue.send("now");
        const deliveries = await waiting;
        expect(deliveries.map((delivery) => delivery.message.body)).toEqual(["now"]);
        expect(Date.now() - began).toBeLessThan(8_000);
      });

      it("gives no more than were asked for", async () => {
        const { queue, consumer } = await make();
        await Promise.all([1, 2, 3, 4, 5].map((n) => queue.send(n)));
        expect((await consumer.receive(3, 1)).length).toBeLessThanOrEqual(3);
      });

      it("shares a hundred messages among three consumers, each to one", async () => {
        const { queue, consumer } = await make();
        await Promise.all(Array.from({ length: 100 }, (_, n) => queue.send(n)));
        const seen: Json[] = [];
        const work = async () => {
          for (;;) {
            const deliveries = await consumer.receive(10, 1);
            if (deliveries.length === 0) return;
            for (const delivery of deliveries) {
              seen.push(delivery.message.body);
              await delivery.done();
            }
          }
        };
        await Promise.all([work(), work(), work()]);
        expect(seen.sort((a, b) => Number(a) - Number(b))).toEqual(
          Array.from({ length: 100 }, (_, n) => n),
        );
      });
    });

    describe("the end of a delivery", () => {
      it("delivers no more what is done", async () => {
        const { queue, consumer, admin } = await make({ visibilitySeconds: 1 });
        await queue.send("done");
        await (await next(consumer)).done();
        await sleep(1_500);
        expect(await consumer.receive(1, 0)).toEqual([]);
        expect(await admin.depth()).toEqual({ waiting: 0, active: 0, dead: 0 });
      });

      it("takes done twice as done", async () => {
        const { queue, consumer } = await make();
        await queue.send("done");
        const delivery = await next(consumer);
        await delivery.done();
        expect(await refusal(delivery.done())).toBe("nothing refused");
      });

      it("hides a message while it is worked on, and delivers it again after that", async () => {
        const { queue, consumer } = await make({ visibilitySeconds: 2 });
        await queue.send("slow");
        const first = await next(consumer);
        expect(await consumer.receive(1, 0)).toEqual([]);
        const second = await next(consumer);
        expect(second.message).toEqual({ ...first.message, receives: 2 });
      });

      it("hides a message for longer where its work is extended", async () => {
        const { queue, consumer } = await make({ visibilitySeconds: 2 });
        await queue.send("long");
        const first = await next(consumer);
        await first.extend(6);
        await sleep(4_000);
        expect(await consumer.receive(1, 0)).toEqual([]);
        await first.done();
        await sleep(3_000);
        expect(await consumer.receive(1, 0)).toEqual([]);
      });

      it("delivers again when an extension ends, which may be earlier than it was", async () => {
        const { queue, consumer } = await make({ visibilitySeconds: 600 });
        await queue.send("short");
        const first = await next(consumer);
        await first.extend(1);
        const second = await next(consumer);
        expect(second.message).toEqual({ ...first.message, receives: 2 });
      });

      it.each([0, -1, 1.5, 43_201])("refuses to extend by %d seconds", async (seconds) => {
        const { queue, consumer } = await make();
        await queue.send("any");
        expect(await refusal((await next(consumer)).extend(seconds))).toBe("invalid");
      });

      it("delivers again at once what is to be retried", async () => {
        const { queue, consumer } = await make();
        await queue.send("again");
        const first = await next(consumer);
        await first.retry("the shop was closed");
        const second = await next(consumer);
        expect(second.message).toEqual({ ...first.message, receives: 2 });
      });

      it("waits before a retry for as long as is asked", async () => {
        const { queue, consumer } = await make();
        await queue.send("again");
        await (await next(consumer)).retry("wait", 2);
        const retried = Date.now();
        expect(await consumer.receive(1, 0)).toEqual([]);
        expect((await next(consumer)).message.receives).toBe(2);
        expect(Date.now() - retried).toBeGreaterThan(900);
      });
    });

    describe("dead letters", () => {
      it("sets a message aside after maxReceives, with the last reason", async () => {
        const { queue, consumer, admin } = await make({ maxReceives: 2 });
        await queue.send({ poison: 1 });
        await (await next(consumer)).retry("first reason");
        await (await next(consumer)).retry("last reason");
        expect(await deadOf(admin, 1)).toEqual([
          {
            id: expect.stringMatching(/./),
            body: { poison: 1 },
            reason: "last reason",
            at: expect.any(Date),
          },
        ]);
        expect(await consumer.receive(1, 0)).toEqual([]);
      });

      it("sets a message aside whose receivers died maxReceives times, and says so", async () => {
        const { queue, consumer, admin } = await make({ maxReceives: 2, visibilitySeconds: 1 });
        await queue.send("deadly");
        await next(consumer);
        await next(consumer);
        const dead = await eventually(
          async () => {
            await consumer.receive(1, 0);
            return admin.deadLetters(10);
          },
          (letters) => letters.length > 0,
        );
        expect(dead).toEqual([expect.objectContaining({ body: "deadly" })]);
        expect(dead[0]?.reason).not.toBe("");
      });

      it("sets a rejected message aside at once, with the reason", async () => {
        const { queue, consumer, admin } = await make();
        await queue.send("bad");
        await (await next(consumer)).reject('no order "9" – né 😀\u0000');
        const [letter] = await deadOf(admin, 1);
        expect(letter?.body).toBe("bad");
        expect(letter?.reason).toContain('no order "9" – né 😀');
        expect(await admin.depth()).toEqual({ waiting: 0, active: 0, dead: 1 });
      });

      it("takes any reason: none, very long, ill-formed", async () => {
        const { queue, consumer, admin } = await make();
        for (const reason of ["", "x".repeat(400_000), "a\ud800b"]) {
          await queue.send("bad");
          await (await next(consumer)).reject(reason);
        }
        expect((await deadOf(admin, 3)).map((letter) => letter.body)).toEqual([
          "bad",
          "bad",
          "bad",
        ]);
      });

      it("keeps a rejected null apart from text", async () => {
        const { queue, consumer, admin } = await make();
        await queue.send(null);
        await (await next(consumer)).reject("nothing in it");
        expect((await deadOf(admin, 1))[0]?.body).toBeNull();
      });

      it.each([0, -1, 1.5])("refuses to list %s as invalid", async (limit) => {
        const { admin } = await make();
        expect(await refusal(admin.deadLetters(limit))).toBe("invalid");
      });

      it("keeps a rejected message of maxBytes whole", async () => {
        const { queue, consumer, admin } = await make();
        const body = "x".repeat(262_142);
        await queue.send(body);
        await (await next(consumer)).reject("too long to read");
        const [letter] = await deadOf(admin, 1);
        expect(letter).toMatchObject({ body, reason: "too long to read" });
      });

      it("lists the newest first, no more than were asked for, and again the same", async () => {
        const { queue, consumer, admin } = await make();
        for (const body of ["old", "middle", "new"]) {
          await queue.send(body);
          await (await next(consumer)).reject(body);
          await sleep(30);
        }
        await deadOf(admin, 3);
        const bodies = async (limit: number) =>
          (await admin.deadLetters(limit)).map((letter) => letter.body);
        expect(await bodies(10)).toEqual(["new", "middle", "old"]);
        expect(await bodies(2)).toEqual(["new", "middle"]);
        expect(await bodies(10)).toEqual(["new", "middle", "old"]);
      });

      it("redrives one as a new message with all its deliveries", async () => {
        const { queue, consumer, admin } = await make({ maxReceives: 2 });
        for (const body of ["stays", "returns"]) {
          await queue.send(body);
          await (await next(consumer)).reject("closed");
        }
        const letters = await deadOf(admin, 2);
        await admin.redrive(letters.find((letter) => letter.body === "returns")?.id ?? "");
        const delivery = await next(consumer);
        expect(delivery.message).toMatchObject({ body: "returns", receives: 1 });
        await delivery.done();
        expect((await deadOf(admin, 1)).map((letter) => letter.body)).toEqual(["stays"]);
      });

      it("discards one for good", async () => {
        const { queue, consumer, admin } = await make();
        for (const body of ["stays", "goes"]) {
          await queue.send(body);
          await (await next(consumer)).reject("closed");
        }
        const letters = await deadOf(admin, 2);
        await admin.discard(letters.find((letter) => letter.body === "goes")?.id ?? "");
        expect((await deadOf(admin, 1)).map((letter) => letter.body)).toEqual(["stays"]);
        expect(await consumer.receive(1, 0)).toEqual([]);
      });

      it("refuses to redrive or discard what is not there as not-found", async () => {
        const { admin } = await make();
        for (const id of ["", "none", "8f7a0bd4-3f52-4f4b-9a3c-0f1c6c3a2b11"]) {
          expect(await refusal(admin.redrive(id))).toBe("not-found");
          expect(await refusal(admin.discard(id))).toBe("not-found");
        }
      });
    });

    describe("depth", () => {
      it("counts what waits, what is worked on and what is dead", async () => {
        const { queue, consumer, admin } = await make();
        for (const body of ["dead", "active"]) {
          await queue.send(body);
          const delivery = await next(consumer);
          if (body === "dead") await delivery.reject("closed");
        }
        await queue.send("waits");
        await queue.send("waits, hidden", { delaySeconds: 60 });
        const expected = { waiting: 2, active: 1, dead: 1 };
        expect(
          await eventually(
            () => admin.depth(),
            (depth) => JSON.stringify(depth) === JSON.stringify(expected),
          ),
        ).toEqual(expected);
      });
    });
  });
}
