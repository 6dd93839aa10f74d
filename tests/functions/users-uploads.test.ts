import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { create } from "../../functions/users/index.ts";
import { keyOf, safeName, statusOf } from "../../functions/users/uploads.ts";
import { checkObjectKey } from "../../runtime/adapters/limits.ts";
import type { JsonObject } from "../../runtime/ports/index.ts";
import { contextOf, jsonRequest, memoryTable } from "./fakes.ts";
import { memoryObjects } from "./object-fakes.ts";

const photo = { name: "Käse.jpg", contentType: "image/jpeg", bytes: 1000 };
const version = "0000000001";
const size = { name: "thumb", key: "processed/thumb/a.webp", width: 150, height: 113, bytes: 900 };
const image = {
  version,
  bytes: 1000,
  width: 2000,
  height: 1500,
  contentType: "image/jpeg",
  sizes: [size],
};
const clean = { status: "clean", version };

function setup() {
  const [catalog, media] = [memoryTable(), memoryObjects()];
  const app = create({ catalog, media });
  const post = async (body: unknown, id = "u-1", sub: string | undefined = "u-1") =>
    app.fetch(jsonRequest(`/users/${id}/uploads`, body), contextOf(sub));
  const get = (path: string, sub: string | undefined = "u-1") =>
    app.fetch(new Request(`https://shop.example${path}`), contextOf(sub));
  /** An upload whose object is known by these rows. */
  const uploaded = async (rows: Record<string, JsonObject>) => {
    const made = await post(photo);
    const { fields } = (await made.json()) as { fields: { key: string } };
    for (const [sk, row] of Object.entries(rows))
      await catalog.put({ pk: `IMAGE#${fields.key}`, sk }, row);
    const at = made.headers.get("location") ?? "";
    return { at, key: fields.key, status: async () => (await get(at)).json() };
  };
  return { catalog, media, post, get, uploaded };
}

describe("a form for an upload", () => {
  test("is for one key, one type and so many bytes, for a quarter of an hour", async () => {
    const { post, catalog } = setup();
    vi.useFakeTimers({ now: new Date("2026-11-20T10:00:00Z"), toFake: ["Date"] });
    const answer = await post(photo).finally(() => vi.useRealTimers());
    expect(answer.status).toBe(201);
    const made = (await answer.json()) as JsonObject & { fields: Record<string, string> };
    const { id, fields } = made;
    const expiresAt = "2026-11-20T10:15:00.000Z";
    expect(made).toMatchObject({ expiresAt, maxBytes: 1000, url: expect.any(String) });
    expect(fields.key).toBe(`uploads/u-1/${id}/Käse.jpg`);
    expect(JSON.parse(fields.policy ?? "")).toEqual({
      contentType: "image/jpeg",
      maxBytes: 1000,
      expiresSeconds: 900,
    });
    expect(answer.headers.get("location")).toBe(`/users/u-1/uploads/${id}`);
    expect(catalog.at(`UPLOAD#${id} / META`)).toEqual({
      id,
      key: fields.key,
      owner: "u-1",
      contentType: "image/jpeg",
      maxBytes: 1000,
      expiresAt,
      at: "2026-11-20T10:00:00.000Z",
    });
    expect(catalog.at(`UPLOADS / ${expiresAt}#${id}`)).toEqual({ id, key: fields.key });
  });

  test.each([
    ["name", { ...photo, name: "" }],
    ["name", { ...photo, name: "a".repeat(256) }],
    ["contentType", { ...photo, contentType: "image/svg+xml" }],
    ["contentType", { ...photo, contentType: "text/html" }],
    ["bytes", { ...photo, bytes: 0 }],
    ["bytes", { ...photo, bytes: 1.5 }],
    ["bytes", { ...photo, bytes: 20 * 1024 * 1024 + 1 }],
    ["key", { ...photo, key: "reports/a.csv" }],
  ])("is refused for its %s, as in %j", async (field, body) => {
    const { post, catalog } = setup();
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ field }] });
    expect(catalog.names()).toEqual([]);
  });

  test("for somebody else is a 403, and without a token a 401", async () => {
    const { post, get } = setup();
    expect((await post(photo, "u-2")).status).toBe(403);
    expect((await get("/users/u-2/uploads/x")).status).toBe(403);
    const app = create({ catalog: memoryTable(), media: memoryObjects() });
    const answer = await app.fetch(jsonRequest("/users/u-1/uploads", photo), contextOf());
    expect(answer.status).toBe(401);
  });
});

describe("a name becomes the last part of a key", () => {
  test.each([
    ["photo.jpg", "photo.jpg"],
    ["日本 太郎.png", "日本 太郎.png"],
    ["a + b 100% #1?.jpg", "a + b 100% #1?.jpg"],
    ["../../etc/passwd", "passwd"],
    ["C:\\Users\\ann\\me.jpg", "me.jpg"],
    ["..", "image"],
    ["/", "image"],
    [" \t ", "image"],
    [".htaccess", "htaccess"],
    ["a\u0000b\r\nc\u202egpj.exe", "abcgpj.exe"],
    ["a\ud800b.jpg", "ab.jpg"],
    [`${"ä".repeat(300)}.jpeg`, `${"ä".repeat(97)}.jpeg`],
  ])("%j as %j", (given, name) => {
    expect(safeName(given)).toBe(name);
  });

  test("whatever it is, the key is one that a store takes, below the user's own", () => {
    const id = "0b0b1a60-7d43-4a7e-9a61-0f4f8d2f6f5e";
    const text = fc.string({ unit: "binary", maxLength: 255 });
    fc.assert(
      fc.property(text, text, (owner, name) => {
        const key = keyOf(owner, id, name);
        checkObjectKey((code, message) => new Error(`${code}: ${message}`) as never, key);
        expect(key.split("/")).toHaveLength(4);
        expect(key).toMatch(new RegExp(`^uploads/[\\w-]{1,128}/${id}/[^/]+$`, "s"));
      }),
    );
  });

  test("two users never share a folder", () => {
    expect(keyOf("a/b", "1", "x")).not.toBe(keyOf("a_b", "1", "x"));
    expect(keyOf("..", "1", "x")).not.toContain("..");
  });
});

describe("an upload", () => {
  test.each<[string, Record<string, JsonObject>]>([
    ["pending", {}],
    ["processing", { SCAN: clean }],
    ["scanning", { META: image }],
    ["scanning", { META: image, SCAN: { ...clean, version: "0000000000" } }],
    ["infected", { META: image, SCAN: { status: "infected", signature: "Eicar", version } }],
    ["infected", { SCAN: { status: "infected", signature: "Eicar", version } }],
    ["refused", { META: image, SCAN: { status: "unscanned", reason: "too large", version } }],
    ["refused", { REFUSED: { reason: "it is no JPEG", version } }],
    [
      "refused",
      { META: image, SCAN: clean, REFUSED: { reason: "no JPEG", version: "0000000002" } },
    ],
    ["processing", { META: image, SCAN: { ...clean, version: "0000000002" } }],
  ])("is %s, without a link: %j", async (status, rows) => {
    const { uploaded, media } = setup();
    const { status: read } = await uploaded(rows);
    expect(await read()).toMatchObject({ status });
    expect(media.calls.filter((call) => call.startsWith("signGet"))).toEqual([]);
  });

  test("is ready once its scan found nothing: links to each size, for an hour", async () => {
    const { uploaded } = setup();
    const { status } = await uploaded({ META: image, SCAN: clean });
    const answer = (await status()) as JsonObject & { sizes: { url: string }[] };
    expect(answer).toMatchObject({
      status: "ready",
      width: 2000,
      height: 1500,
      sizes: [{ name: "thumb", width: 150, height: 113, bytes: 900 }],
    });
    const url = new URL(answer.sizes[0]?.url ?? "");
    expect(decodeURIComponent(url.pathname)).toBe(`/${size.key}`);
    expect(url.searchParams.get("for")).toBe('{"expiresSeconds":3600}');
    expect(answer).not.toHaveProperty("original");
  });

  test.each<[string | undefined, string]>([
    ["photo", version],
    [undefined, "0000000000"],
  ])("says what kind it is, as %s, where that was found of version %s", async (label, of) => {
    const { uploaded } = setup();
    const LABEL = { label: "photo", confidence: 0.97, version: of };
    const { status } = await uploaded({ META: image, SCAN: clean, LABEL });
    expect(((await status()) as JsonObject).label).toBe(label);
  });

  test("shows its original once no other file can take its place", async () => {
    const { uploaded, get } = setup();
    vi.useFakeTimers({ now: new Date("2026-11-20T10:00:00Z"), toFake: ["Date"] });
    const { at, key } = await uploaded({ META: image, SCAN: clean });
    vi.setSystemTime(new Date("2026-11-20T10:15:00Z"));
    const answer = await (await get(at)).json();
    vi.useRealTimers();
    expect(answer).toMatchObject({
      original: { url: expect.stringContaining(encodeURIComponent(key)) },
    });
  });

  test("was ready and was replaced: it is not, until the newer one was scanned", () => {
    const newer = { ...image, version: "0000000002" };
    expect(statusOf({ image: newer, scan: clean })).toEqual({ status: "scanning" });
    expect(statusOf({ image, scan: { status: "infected", version: "0000000002" } })).toEqual({
      status: "infected",
    });
    // Tried again by hand, after the fault was mended.
    expect(statusOf({ image, scan: clean, refused: { reason: "x", version } }).status).toBe(
      "ready",
    );
  });

  test("of somebody else looks like none", async () => {
    const { uploaded, get } = setup();
    const { at } = await uploaded({ META: image, SCAN: clean });
    const theirs = await get(at.replace("u-1", "u-2"), "u-2");
    const none = await get("/users/u-2/uploads/0b0b1a60-7d43-4a7e-9a61-0f4f8d2f6f5e", "u-2");
    expect([theirs.status, await theirs.json()]).toEqual([404, await none.json()]);
  });

  test.each(["x", "%00", "a".repeat(2000), "%2e%2e"])("%s is a 404", async (id) => {
    expect((await setup().get(`/users/u-1/uploads/${id}`)).status).toBe(404);
  });
});
