import { describe, expect, it } from "vitest";
import { coalesce } from "../../../runtime/adapters/local/coalesce.ts";

describe("coalesce", () => {
  /** A flush that notes its batches and fails for one that has "bad" in it. */
  const noting = (limits?: { items: number; bytes: number }) => {
    const batches: string[][] = [];
    const call = coalesce<string>(async (items) => {
      batches.push([...items]);
      await new Promise((turn) => setTimeout(turn, 5));
      if (items.includes("bad")) throw new Error("bad batch");
    }, limits);
    return { batches, call };
  };

  it("takes calls at the same time together, and those that come meanwhile after them", async () => {
    const batches: string[][] = [];
    let later: Promise<unknown> | undefined;
    const call = coalesce<string>(async (items) => {
      batches.push([...items]);
      later ??= Promise.all([call("c"), call("d")]);
    });
    await Promise.all([call("a"), call("b")]);
    await later;
    expect(batches).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  it("answers a call when its own batch has ended", async () => {
    let ended = 0;
    const call = coalesce<string>(
      async () => {
        await new Promise((turn) => setTimeout(turn, 5));
        ended++;
      },
      { items: 1, bytes: 100 },
    );
    const answers = ["a", "b", "c"].map((item) => call(item).then(() => ended));
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
  });

  it("keeps to the items of one batch, in their order", async () => {
    const { batches, call } = noting({ items: 2, bytes: 100 });
    await Promise.all(["a", "b", "c", "d", "e"].map((item) => call(item)));
    expect(batches).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  it("keeps to the bytes of one batch, and lets one that is larger go alone", async () => {
    const { batches, call } = noting({ items: 10, bytes: 100 });
    await Promise.all([call("a", 60), call("b", 40), call("c", 1), call("d", 500), call("e", 1)]);
    expect(batches).toEqual([["a", "b"], ["c"], ["d"], ["e"]]);
  });

  it("has as many batches at work at a time as are asked for", async () => {
    let now = 0;
    let most = 0;
    const call = coalesce<string>(
      async () => {
        most = Math.max(most, ++now);
        await new Promise((turn) => setTimeout(turn, 5));
        now--;
      },
      { items: 1, flushes: 2 },
    );
    await Promise.all(["a", "b", "c", "d", "e"].map((item) => call(item)));
    expect(most).toBe(2);
  });

  it("fails the calls of a batch that fails, and no others", async () => {
    const { call } = noting({ items: 2, bytes: 100 });
    const ends = await Promise.allSettled(["a", "bad", "c", "d"].map((item) => call(item)));
    expect(ends.map((end) => end.status)).toEqual([
      "rejected",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    await expect(call("again")).resolves.toBeUndefined();
  });
});
