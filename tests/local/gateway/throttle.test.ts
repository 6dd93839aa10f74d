import { expect, test } from "vitest";
import { tokenBucket } from "../../../local/gateway/throttle.ts";

const bucket = (perSecond: number, burst: number) => {
  let time = 0;
  const take = tokenBucket({ perSecond, burst });
  return {
    take: () => take(time),
    pass: (ms: number) => {
      time += ms;
    },
  };
};

test("lets a burst through at once, then says how long to wait", () => {
  const { take } = bucket(10, 3);
  expect([take(), take(), take(), take()]).toEqual([0, 0, 0, 100]);
});

test("lets the steady rate through after that", () => {
  const { take, pass } = bucket(10, 1);
  expect(take()).toBe(0);
  pass(50);
  expect(take()).toBe(50);
  pass(50);
  expect(take()).toBe(0);
});

test("never saves up more than the burst", () => {
  const { take, pass } = bucket(10, 2);
  pass(3_600_000);
  expect([take(), take(), take()]).toEqual([0, 0, 100]);
});
