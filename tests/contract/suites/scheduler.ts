import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, Scheduler } from "../../../runtime/ports/index.ts";
import { refusal } from "./refusal.ts";

export interface SchedulerParts {
  readonly scheduler: Scheduler;
  /** Takes what its queue has by now. */
  received(): Promise<readonly Json[]>;
}

export interface SchedulerService {
  /** A new scheduler, with a queue of its own. */
  make(): Promise<SchedulerParts>;
  /** The time, in milliseconds. */
  now(): number;
  /** Lets time pass. What is due by then is sent soon after. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** What every Scheduler does, the same on every adapter. */
export function schedulerContract(
  title: string,
  { start }: { readonly start: () => Promise<SchedulerService> },
): void {
  describe(title, () => {
    let service: SchedulerService;
    let parts: SchedulerParts;
    beforeAll(async () => {
      service = await start();
      parts = await service.make();
    });
    afterAll(() => service?.close());

    const inMs = (ms: number) => new Date(service.now() + ms);
    const hour = 3_600_000;
    /** Lets time pass until as much has come. */
    const receive = async (count: number, from = parts) => {
      const bodies: Json[] = [];
      for (let tries = 0; bodies.length < count && tries < 100; tries++) {
        await service.pass(300);
        bodies.push(...(await from.received()));
      }
      return bodies;
    };
    /** That nothing comes cannot be waited for: only that it did not come in its time. */
    const nothing = async () => {
      await service.pass(2_500);
      return parts.received();
    };

    it("sends a message as it was given, once, and not before its time", async () => {
      const body = {
        text: "ünder 😀 \u0000",
        list: [1, null, { at: "<aws.scheduler.execution-id>" }],
      };
      const at = inMs(1_200);
      await parts.scheduler.at("first", at, body);
      expect(await receive(1)).toEqual([body]);
      expect(service.now()).toBeGreaterThanOrEqual(at.getTime());
      expect(await nothing()).toEqual([]);
    });

    it("sends at once what is past", async () => {
      await parts.scheduler.at("past", inMs(-hour), "past");
      expect(await receive(1)).toEqual(["past"]);
    });

    it("moves what was not sent yet: forward, with another body", async () => {
      await parts.scheduler.at("moved", inMs(hour), "old");
      await parts.scheduler.at("moved", inMs(500), "new");
      expect(await receive(1)).toEqual(["new"]);
      expect(await nothing()).toEqual([]);
    });

    it("moves what was not sent yet: backward", async () => {
      await parts.scheduler.at("later", inMs(1_500), "early");
      await parts.scheduler.at("later", inMs(hour), "late");
      expect(await nothing()).toEqual([]);
      await parts.scheduler.cancel("later");
    });

    it("forgets what is cancelled", async () => {
      await parts.scheduler.at("cancelled", inMs(1_500), "never");
      await parts.scheduler.cancel("cancelled");
      expect(await nothing()).toEqual([]);
    });

    it("takes a second cancelling, one after it was sent, and one of what never was", async () => {
      await parts.scheduler.at("sent", inMs(0), "sent");
      expect(await receive(1)).toEqual(["sent"]);
      for (const id of ["sent", "sent", "never"]) await parts.scheduler.cancel(id);
    });

    it("sends an id again that was sent before", async () => {
      for (const body of [1, 2]) {
        await parts.scheduler.at("again", inMs(0), body);
        expect(await receive(1)).toEqual([body]);
      }
    });

    it("sends one message of many that are scheduled by one id at the same time", async () => {
      const at = inMs(3_000);
      await Promise.all(Array.from({ length: 10 }, (_, n) => parts.scheduler.at("same", at, n)));
      expect(await receive(1)).toHaveLength(1);
      expect(await nothing()).toEqual([]);
    });

    it("sends each of many, once", async () => {
      const bodies = Array.from({ length: 25 }, (_, n) => `message ${n}`);
      await Promise.all(
        bodies.map((body, n) => parts.scheduler.at(`many-${n}`, inMs(n * 20), body)),
      );
      expect((await receive(25)).toSorted()).toEqual(bodies.toSorted());
      expect(await nothing()).toEqual([]);
    });

    it("keeps what has the same id apart from another scheduler's", async () => {
      const other = await service.make();
      await parts.scheduler.at("shared", inMs(500), "mine");
      await other.scheduler.at("shared", inMs(500), "theirs");
      await other.scheduler.cancel("shared");
      expect(await receive(1)).toEqual(["mine"]);
      expect(await other.received()).toEqual([]);
    });

    it.each([".", "..", "-", "_", "A.b_c-9", "x".repeat(60)])("takes the id %j", async (id) => {
      await parts.scheduler.at(id, inMs(hour), id);
      await parts.scheduler.at(id, inMs(0), id);
      expect(await receive(1)).toEqual([id]);
      await parts.scheduler.cancel(id);
    });

    it.each(["", "x".repeat(61), "a b", "a/b", "ü", "a\n"])(
      "refuses the id %j as invalid",
      async (id) => {
        expect(await refusal(parts.scheduler.at(id, inMs(0), 1))).toBe("invalid");
        expect(await refusal(parts.scheduler.cancel(id))).toBe("invalid");
      },
    );

    it("refuses what is no time, or more than a year ahead, as invalid", async () => {
      for (const at of [new Date(Number.NaN), inMs(367 * 24 * hour)])
        expect(await refusal(parts.scheduler.at("time", at, 1))).toBe("invalid");
    });

    it("refuses a body that JSON cannot hold as invalid, and a large one as too-large", async () => {
      const at = inMs(0);
      expect(await refusal(parts.scheduler.at("body", at, Number.NaN))).toBe("invalid");
      expect(await refusal(parts.scheduler.at("body", at, "x".repeat(262_143)))).toBe("too-large");
    });
  });
}

/** Takes all that a queue has. */
export async function drain(consumer: {
  receive(max: number, waitSeconds: number): Promise<readonly Taken[]>;
}): Promise<Json[]> {
  const bodies: Json[] = [];
  for (;;) {
    const taken = await consumer.receive(10, 0);
    if (taken.length === 0) return bodies;
    for (const { message, done } of taken) {
      bodies.push(message.body);
      await done();
    }
  }
}
interface Taken {
  readonly message: { readonly body: Json };
  done(): Promise<void>;
}
