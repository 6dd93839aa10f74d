import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { slots } from "../../../runtime/overflow/slots.ts";

describe("slots", () => {
  test("are as many as the limit says at the moment", () => {
    let limit = 1;
    const one = slots(() => limit);
    expect(one.enter()).toBe(true);
    expect(one.enter()).toBe(false);
    limit = 2;
    expect(one.enter()).toBe(true);
    limit = 1;
    one.leave();
    expect(one.enter()).toBe(false);
    expect(one.inFlight()).toBe(1);
  });

  test("go to the one that has waited longest, and to nobody who came later", async () => {
    const one = slots(() => 1, { waiting: 5 });
    one.enter();
    const order: string[] = [];
    const turns = ["a", "b"].map(async (name) => {
      expect(await one.queue(1_000, 1)?.granted).toBe(true);
      order.push(name);
      one.leave();
    });
    one.leave();
    expect(one.enter()).toBe(false);
    await Promise.all(turns);
    expect(order).toEqual(["a", "b"]);
    expect(one.enter()).toBe(true);
  });

  test("are waited for only by so many, and only where they are likely to come in time", () => {
    const one = slots(() => 2, { waiting: 2, waitMs: 1_000 });
    one.enter();
    one.enter();
    expect(one.queue(1_000, 3_000)).toBeUndefined();
    expect(one.queue(100, 300)).toBeUndefined();
    const turns = [one.queue(1_000, 10), one.queue(1_000, 10), one.queue(1_000, 10)];
    expect(turns.map((turn) => turn !== undefined)).toEqual([true, true, false]);
    for (const turn of turns) turn?.giveUp();
  });

  test("are not waited for longer than said", async () => {
    vi.useFakeTimers();
    const one = slots(() => 1, { waitMs: 500 });
    one.enter();
    const turn = one.queue(10_000, 1);
    vi.advanceTimersByTime(500);
    expect(await turn?.granted).toBe(false);
    expect(one.waiting()).toBe(0);
    vi.useRealTimers();
  });

  test("of one who has gone are not given to it", async () => {
    const one = slots(() => 1);
    one.enter();
    const turn = one.queue(1_000, 1);
    turn?.giveUp();
    expect(await turn?.granted).toBe(false);
    one.leave();
    expect(one.inFlight()).toBe(0);
    expect(one.enter()).toBe(true);
  });

  test("are never more than the limit, and none is lost", async () => {
    const step = fc.constantFrom("enter", "leave", "queue", "give up");
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step), async (limit, steps) => {
        const one = slots(() => limit, { waiting: 3 });
        let held = 0;
        const turns: { giveUp(): void }[] = [];
        for (const next of steps) {
          if (next === "enter" && one.enter()) held += 1;
          if (next === "leave" && held > 0) {
            held -= 1;
            one.leave();
          }
          if (next === "queue") {
            const turn = one.queue(1_000, 0);
            void turn?.granted.then((granted) => {
              if (granted) held += 1;
            });
            if (turn) turns.push(turn);
          }
          if (next === "give up") turns.shift()?.giveUp();
          await Promise.resolve();
          await Promise.resolve();
          expect(one.inFlight()).toBe(held);
          expect(held).toBeLessThanOrEqual(limit);
        }
        for (const turn of turns) turn.giveUp();
      }),
    );
  });
});
