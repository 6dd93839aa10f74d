import { expect, test } from "vitest";
import { endAll, isDatabaseAway } from "../../local/stopping.ts";

const never = () => new Promise<void>(() => {});
const times = { graceMs: 20, everyMs: 5 };

test("a stop ends one after the other, and says at its end what one of them threw", async () => {
  const ended: string[] = [];
  const ends = [
    async () => void ended.push("first"),
    () => Promise.reject(new Error("broken")),
    () => void ended.push("last"),
  ];
  await expect(endAll(ends, { isAway: async () => false })).rejects.toThrow("broken");
  expect(ended).toEqual(["first", "last"]);
});

test("a stop waits beyond its grace for as long as the database answers", async () => {
  const { promise: worked, resolve: work } = Promise.withResolvers<void>();
  let asked = 0;
  const isAway = async () => {
    asked += 1;
    if (asked === 3) work();
    return false;
  };
  await endAll([() => worked], { isAway, ...times });
  expect(asked).toBeGreaterThanOrEqual(3);
});

test("a stop gives up behind its grace where the database does not answer", async () => {
  const stopped = endAll([never], { isAway: async () => true, ...times });
  await expect(stopped).rejects.toThrow("the database does not answer");
});

test("a database is away where nobody listens", async () => {
  expect(await isDatabaseAway("postgres://user:word@127.0.0.1:1/none")).toBe(true);
});
