import { describe, expect, test } from "vitest";
import { protectedBy } from "../../../runtime/entries/ecs/protection.ts";

/** Protection that notes what is asked of it. */
function noted(fail?: "hold" | "release") {
  const log: string[] = [];
  const troubles: unknown[] = [];
  const say = (what: "hold" | "release") => async () => {
    log.push(what);
    if (what === fail) throw new Error(`no ${what}`);
  };
  const protect = protectedBy({ hold: say("hold"), release: say("release") }, (error) =>
    troubles.push(error),
  );
  const work = (name: string, until: Promise<void> = Promise.resolve()) =>
    protect(async () => {
      log.push(`begin ${name}`);
      await until;
      log.push(`end ${name}`);
    });
  return { log, troubles, work };
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("work that the host lets finish", () => {
  test("begins when it is protected, and protection ends after it", async () => {
    const { log, work } = noted();
    await work("a");
    await settled();
    expect(log).toEqual(["hold", "begin a", "end a", "release"]);
  });

  test("is protected once, from before the first to after the last at a time", async () => {
    const { log, work } = noted();
    const gate = Promise.withResolvers<void>();
    const first = work("a", gate.promise);
    await work("b");
    gate.resolve();
    await first;
    await settled();
    expect(log).toEqual(["hold", "begin a", "begin b", "end b", "end a", "release"]);
  });

  test("is protected anew after a pause, in the order that was asked for", async () => {
    const { log, work } = noted();
    await work("a");
    await work("b");
    await settled();
    expect(log.filter((line) => !/ /.test(line))).toEqual(["hold", "release", "hold", "release"]);
  });

  test("is done all the same where it cannot be protected, which is told", async () => {
    for (const fail of ["hold", "release"] as const) {
      const { log, troubles, work } = noted(fail);
      await work("a");
      await settled();
      expect(log).toEqual(["hold", "begin a", "end a", "release"]);
      expect(troubles).toEqual([new Error(`no ${fail}`)]);
    }
  });

  test("fails as itself", async () => {
    const { hold, release } = { hold: async () => {}, release: async () => {} };
    const failing = protectedBy({ hold, release }, () => {})(async () => {
      throw new Error("own");
    });
    await expect(failing).rejects.toThrow("own");
  });
});
