import { describe, expect, test } from "vitest";
import { create } from "../../functions/scan/index.ts";
import type { ErrorCode, Json, ScanResult } from "../../runtime/ports/index.ts";
import { memoryTable, messageOf } from "./fakes.ts";
import { memoryObjects, scannerFake } from "./object-fakes.ts";

async function setup(answer?: ScanResult | ErrorCode) {
  const [media, catalog, antivirus] = [memoryObjects(), memoryTable(), scannerFake(answer)];
  const { bytes: _, ...next } = await media.stored("uploads/a.jpg", "what was stored");
  const handle = create({ media, catalog, antivirus });
  return {
    media,
    catalog,
    antivirus,
    next,
    handle: (body: Json) => handle(messageOf(body)),
    row: () => catalog.at("IMAGE#uploads/a.jpg / SCAN"),
  };
}

describe("an object that was stored", () => {
  test("is clean where nothing was found in it", async () => {
    const { handle, antivirus, next, row } = await setup();
    await handle(next);
    const { etag, version } = next;
    expect(row()).toEqual({ status: "clean", etag, version, at: expect.any(String) });
    expect(antivirus.scanned.map(String)).toEqual(["what was stored"]);
  });

  test("is infected, with the name of what was found", async () => {
    const { handle, next, row } = await setup({ clean: false, signature: "Eicar-Test-Signature" });
    await handle(next);
    expect(row()).toMatchObject({ status: "infected", signature: "Eicar-Test-Signature" });
  });

  test("that the scanner does not take as a whole is not clean", async () => {
    const { handle, next, row } = await setup("too-large");
    await handle(next);
    expect(row()).toMatchObject({ status: "unscanned", reason: expect.stringContaining("larger") });
  });

  test.each(["unavailable", "throttled"] as const)(
    "is scanned later where the scanner is %s",
    async (code) => {
      const { handle, next, row } = await setup(code);
      await expect(handle(next)).rejects.toMatchObject({ code });
      expect(row()).toBeUndefined();
    },
  );

  test("and was removed, or replaced, meanwhile is done with", async () => {
    const { handle, next, media, row, antivirus } = await setup();
    await media.put("uploads/a.jpg", "a newer one");
    await handle(next);
    await media.delete("uploads/a.jpg");
    await handle(next);
    expect([row(), antivirus.scanned]).toEqual([undefined, []]);
  });

  test("twice in the queue is noted once, and never over a newer version", async () => {
    const { handle, next, media, row } = await setup();
    await handle(next);
    const first = row();
    await handle(next);
    expect(row()).toEqual(first);
    const newer = await media.stored("uploads/a.jpg", "what was stored");
    await handle({ ...next, version: newer.version });
    await handle(next);
    expect(row()?.version).toBe(newer.version);
  });
});

test.each<Json>([null, "uploads/a.jpg", {}, { key: "", etag: "e", version: "1" }, { key: "a" }])(
  "%j names no object: it goes to the dead letters",
  async (body) => {
    const { handle } = await setup();
    await expect(handle(body)).rejects.toMatchObject({ code: "invalid" });
  },
);
