import { describe, expect, test, vi } from "vitest";
import { create } from "../../functions/nightly-cleanup/index.ts";
import type { Table } from "../../runtime/ports/index.ts";
import { chatFake, memoryTable } from "./fakes.ts";
import { delivery, memoryObjects } from "./object-fakes.ts";

const scheduledAt = new Date("2026-11-20T02:30:00Z");
const hoursAgo = (hours: number) =>
  new Date(scheduledAt.getTime() - hours * 3_600_000).toISOString();

function setup(chat = chatFake()) {
  const [catalog, media] = [memoryTable(), memoryObjects()];
  const upload = async (id: string, expiresAt: string, rows: readonly string[] = []) => {
    const key = `uploads/u-1/${id}/a.jpg`;
    await media.put(key, "bytes");
    await catalog.put({ pk: "UPLOADS", sk: `${expiresAt}#${id}` }, { id, key });
    await catalog.put({ pk: `UPLOAD#${id}`, sk: "META" }, { id, key, expiresAt });
    for (const sk of rows) await catalog.put({ pk: `IMAGE#${key}`, sk }, { version: "1" });
    return key;
  };
  const session = async (id: string, expiresAt: string) => {
    await catalog.put({ pk: "SESSIONS", sk: `${expiresAt}#${id}` }, { id, pk: `CHECKOUT#${id}` });
    for (const sk of ["STATE", "STEP#pay"]) await catalog.put({ pk: `CHECKOUT#${id}`, sk }, { id });
  };
  const run = (table: Table = catalog) =>
    create({ catalog: table, media, chat })({ scheduledAt }, delivery);
  return { catalog, media, chat, upload, session, run, notes: () => chat.posts.map((p) => p.text) };
}

describe("an upload", () => {
  test("that never became an image goes, a day after its form expired: object and rows", async () => {
    const { upload, run, catalog, media, notes } = setup();
    await upload("u1", hoursAgo(25), ["SCAN", "REFUSED"]);
    await run();
    expect([catalog.names(), [...media.objects.keys()]]).toEqual([[], []]);
    expect(notes()).toEqual(["Cleaned up: 1 expired uploads, 0 expired sessions."]);
  });

  test("that became an image stays, and is not looked at again", async () => {
    const { upload, run, catalog, media, notes } = setup();
    const key = await upload("u1", hoursAgo(25), ["META", "SCAN"]);
    await run();
    expect(catalog.names()).toEqual([
      `IMAGE#${key} / META`,
      `IMAGE#${key} / SCAN`,
      "UPLOAD#u1 / META",
    ]);
    expect(media.objects.has(key)).toBe(true);
    expect(notes()).toEqual(["Cleaned up: 0 expired uploads, 0 expired sessions."]);
  });

  test("that may still be on its way stays", async () => {
    const { upload, run, catalog, media } = setup();
    await upload("u1", hoursAgo(23));
    await run();
    expect(catalog.names()).toHaveLength(2);
    expect(media.objects.size).toBe(1);
  });
});

describe("a session", () => {
  test("that expired goes with all its documents", async () => {
    const { session, run, catalog, notes } = setup();
    await session("c1", hoursAgo(0.1));
    await session("c2", hoursAgo(-0.1));
    await run();
    expect(catalog.names()).toEqual([
      "CHECKOUT#c2 / STATE",
      "CHECKOUT#c2 / STEP#pay",
      `SESSIONS / ${hoursAgo(-0.1)}#c2`,
    ]);
    expect(notes()).toEqual(["Cleaned up: 0 expired uploads, 1 expired sessions."]);
  });

  test("of which nothing can be read is forgotten", async () => {
    const { catalog, run } = setup();
    await catalog.put({ pk: "SESSIONS", sk: `${hoursAgo(1)}#x` }, { id: "x" });
    await catalog.put({ pk: "UPLOADS", sk: `${hoursAgo(99)}#x` }, { id: 7 });
    await run();
    expect(catalog.names()).toEqual([]);
  });
});

describe("a run", () => {
  test("goes through as many pages as there are", async () => {
    const { session, run, catalog, notes } = setup();
    for (let i = 0; i < 250; i += 1) await session(`c${i}`, hoursAgo(1));
    await run();
    expect(catalog.names()).toEqual([]);
    expect(notes()).toEqual(["Cleaned up: 0 expired uploads, 250 expired sessions."]);
  });

  test("that has no more time says so, and the next one goes on", async () => {
    const { session, run, catalog, notes } = setup();
    for (let i = 0; i < 250; i += 1) await session(`c${i}`, hoursAgo(1));
    let time = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => {
      time += 61_000;
      return time;
    });
    await run();
    clock.mockRestore();
    expect(notes()).toEqual([
      "Cleaned up: 0 expired uploads, 100 expired sessions. There is more: the next run goes on with it.",
    ]);
    await run();
    expect(catalog.names()).toEqual([]);
  });

  test("that was stopped half way is taken up again: nothing is forgotten", async () => {
    const { upload, session, run, catalog, media } = setup();
    for (let i = 0; i < 5; i += 1) await upload(`u${i}`, hoursAgo(30));
    for (let i = 0; i < 5; i += 1) await session(`c${i}`, hoursAgo(1));
    // Killed at its first delete, its second, …
    for (let deletes = 0; catalog.names().length > 0; deletes += 1) {
      let left = deletes;
      const dying = {
        ...catalog,
        delete: async (key: { pk: string; sk: string }) => {
          if (left === 0) throw new Error("killed");
          left -= 1;
          await catalog.delete(key);
        },
      };
      await run(dying).catch(() => {});
      const rows = catalog.names();
      const named = (index: string) => rows.some((row) => row.startsWith(index));
      if (rows.some((row) => row.startsWith("CHECKOUT#"))) expect(named("SESSIONS")).toBe(true);
      if (media.objects.size > 0) expect(named("UPLOADS")).toBe(true);
    }
    expect(media.objects.size).toBe(0);
  });

  test("whose note the chat did not take is done again: only the note is left to do", async () => {
    const { session, run, catalog, notes } = setup(chatFake("unavailable"));
    await session("c1", hoursAgo(1));
    await expect(run()).rejects.toMatchObject({ code: "unavailable" });
    expect(catalog.names()).toEqual([]);
    await run();
    expect(notes()).toHaveLength(1);
  });
});
