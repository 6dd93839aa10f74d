import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";
import { type LocalTwinOptions, localTwin } from "../../../runtime/adapters/local/twin.ts";
import { refusal } from "../suites/refusal.ts";
import { type Behaviour, twinContract } from "../suites/twin.ts";
import { temporaryFolder } from "./folder.ts";

const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends) await end();
});

async function twinThat(does: Behaviour | "end", options: Partial<LocalTwinOptions> = {}) {
  const { folder, remove } = await temporaryFolder();
  const file = path.join(folder, "calls");
  const twin = localTwin({
    name: "api",
    module: new URL("fixtures/twin.ts", import.meta.url).href,
    coldStartMs: 0,
    env: { TWIN_DOES: does, TWIN_CALLS: file },
    ...options,
  });
  ends.push(async () => {
    await twin.close();
    await remove();
  });
  const calls = () => (existsSync(file) ? readFileSync(file, "utf8").length : 0);
  return { twin, calls };
}

twinContract("local", async (does) => {
  const provider = await twinThat(does, does === "busy" ? { concurrency: 1 } : {});
  if (does === "busy") void provider.twin.invoke("{}", { timeoutMs: 60_000 }).catch(() => {});
  return provider;
});

describe("local twin", () => {
  const options = { timeoutMs: 10_000 };

  it("starts an instance for each call at a time, and keeps them for the next", async () => {
    const { twin } = await twinThat("echo", { threads: 2 });
    const three = () => Promise.all([1, 2, 3].map((n) => twin.invoke(`${n}`, options)));
    await three();
    await three();
    expect(twin.snapshot()).toEqual({ instances: 3, busy: 0, coldStarts: 3 });
  });

  it("loads its module with the first call, where it is told to", async () => {
    const { folder, remove } = await temporaryFolder();
    ends.push(remove);
    const file = path.join(folder, "later.mjs");
    const { twin } = await twinThat("echo", {
      module: pathToFileURL(file).href,
      startsAt: "first call",
      worker: new URL("../../../runtime/adapters/local/twin-worker.ts", import.meta.url).href,
    });
    writeFileSync(file, "export const handler = async () => 'there by now';");
    expect(await twin.invoke("{}", options)).toBe('"there by now"');
  });

  it("has certainly not begun what its module was not there for, and loads it at the next call", async () => {
    const { folder, remove } = await temporaryFolder();
    ends.push(remove);
    const file = path.join(folder, "broken.mjs");
    writeFileSync(file, "throw new Error('no database');");
    const { twin } = await twinThat("echo", { module: pathToFileURL(file).href });
    await expect(twin.invoke("{}", options)).rejects.toMatchObject({
      code: "throttled",
      message: 'twin "api": its function does not start; see its log',
    });
    writeFileSync(file, "export const handler = async () => 'there by now';");
    expect(await twin.invoke("{}", options)).toBe('"there by now"');
  });

  it("lets an instance go that was idle for long", async () => {
    const { twin } = await twinThat("echo", { idleMs: 0 });
    await twin.invoke("1", options);
    await twin.invoke("2", options);
    expect(twin.snapshot()).toMatchObject({ instances: 1, coldStarts: 2 });
  });

  it("makes the first call of an instance wait for its cold start, and no other", async () => {
    const { twin } = await twinThat("echo", { coldStartMs: 60_000 });
    expect(await refusal(twin.invoke("1", { timeoutMs: 50 }))).toBe("unavailable");
    const warm = await twinThat("echo");
    await warm.twin.invoke("1", options);
    expect(warm.twin.snapshot().coldStarts).toBe(1);
  });

  it("ends a call at the function's own time limit", async () => {
    const { twin } = await twinThat("hang", { functionMs: 100 });
    await expect(twin.invoke("{}", options)).rejects.toMatchObject({
      code: "unavailable",
      message: 'twin "api": not done within 100 ms; raise its limit',
    });
    expect(twin.snapshot().busy).toBe(0);
  });

  it("starts again after its process has ended", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { twin, calls } = await twinThat("end");
    expect(await refusal(twin.invoke("{}", options))).toBe("unavailable");
    expect(await refusal(twin.invoke("{}", options))).toBe("unavailable");
    expect(calls()).toBe(2);
    vi.restoreAllMocks();
  });
});
