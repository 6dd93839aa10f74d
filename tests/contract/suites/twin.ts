import { describe, expect, it } from "vitest";
import type { FunctionTwin } from "../../../runtime/ports/twin.ts";
import { refusal } from "./refusal.ts";

/** What the function does: give its event back, fail, never answer, be at its limit, answer too much. */
export type Behaviour = "echo" | "fail" | "hang" | "busy" | "huge";

export interface TwinProvider {
  readonly twin: FunctionTwin;
  /** How often the function was begun, or asked where it was at its limit. */
  calls(): number | Promise<number>;
}

/** What every function twin does. */
export function twinContract(adapter: string, of: (does: Behaviour) => Promise<TwinProvider>) {
  const options = { timeoutMs: 5_000 };

  describe(`${adapter} twin`, () => {
    it("gives the function's answer back, whatever it is", async () => {
      const { twin } = await of("echo");
      const event = { text: 'Grüße, 🐈 "quoted" \u0000', list: [1, null, true], deep: { a: {} } };
      expect(JSON.parse(await twin.invoke(JSON.stringify(event), options))).toEqual(event);
    });

    it("answers many calls at a time, each with its own", async () => {
      const { twin } = await of("echo");
      const events = Array.from({ length: 40 }, (_, n) => JSON.stringify({ n }));
      expect(await Promise.all(events.map((event) => twin.invoke(event, options)))).toEqual(events);
    });

    it("carries payloads up to 6 MB, and refuses larger ones before a call", async () => {
      const { twin, calls } = await of("echo");
      const sized = (bytes: number) => JSON.stringify("x".repeat(bytes - 2));
      const most = 6 * 1_048_576;
      expect(await twin.invoke(sized(most), options)).toHaveLength(most);
      const before = await calls();
      expect(await refusal(twin.invoke(sized(most + 1), options))).toBe("too-large");
      expect(await calls()).toBe(before);
    });

    it("says that a function that failed may have done something, and asks it once", async () => {
      const { twin, calls } = await of("fail");
      expect(await refusal(twin.invoke("{}", options))).toBe("unavailable");
      expect(await calls()).toBe(1);
    });

    it("takes an answer over 6 MB for a failure", async () => {
      const { twin } = await of("huge");
      expect(await refusal(twin.invoke("{}", options))).toBe("unavailable");
    });

    it("waits no longer than it was told", async () => {
      const { twin, calls } = await of("hang");
      expect(await refusal(twin.invoke("{}", { timeoutMs: 300 }))).toBe("unavailable");
      expect(await calls()).toBe(1);
    });

    it("waits no longer than its client", async () => {
      const { twin } = await of("hang");
      const client = new AbortController();
      const asked = refusal(twin.invoke("{}", { ...options, signal: client.signal }));
      setTimeout(() => client.abort(), 100);
      expect(await asked).toBe("unavailable");
      expect(await refusal(twin.invoke("{}", { ...options, signal: client.signal }))).toBe(
        "unavailable",
      );
    });

    it("says that a function at its limit has certainly not begun", async () => {
      const { twin, calls } = await of("busy");
      const before = await calls();
      expect(await refusal(twin.invoke("{}", options))).toBe("throttled");
      expect((await calls()) - before).toBeLessThanOrEqual(1);
    });
  });
}
