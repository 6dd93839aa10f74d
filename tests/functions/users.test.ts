import { describe, expect, test } from "vitest";
import { create } from "../../functions/users/index.ts";
import { contextOf, jsonRequest, tableFake } from "./fakes.ts";
import { memoryObjects } from "./object-fakes.ts";

const setup = () => {
  const catalog = tableFake();
  const app = create({ catalog, media: memoryObjects() });
  return {
    catalog,
    post: (body: unknown, sub?: string) => app.fetch(jsonRequest("/users", body), contextOf(sub)),
    get: (id: string, sub?: string) =>
      app.fetch(new Request(`https://shop.example/users/${id}`), contextOf(sub)),
  };
};

describe("a user's profile", () => {
  test("is created under the token's subject, and read back", async () => {
    const { catalog, post, get } = setup();
    const created = await post({ name: " Ann ", phone: "+493012345678", locale: "de-DE" }, "u-1");
    expect(created.status).toBe(201);
    expect(created.headers.get("location")).toBe("/users/u-1");
    const answer = await created.json();
    expect(answer).toMatchObject({ id: "u-1", name: "Ann", locale: "de-DE" });
    expect([...catalog.documents.keys()]).toEqual(["USER#u-1 / PROFILE"]);
    expect(await (await get("u-1", "u-1")).json()).toEqual(answer);
  });

  test("is created once: a second time is a 409 and changes nothing", async () => {
    const { post, get } = setup();
    await post({ name: "Ann" }, "u-1");
    const again = await post({ name: "Eve" }, "u-1");
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: "conflict" });
    expect(await (await get("u-1", "u-1")).json()).toMatchObject({ name: "Ann" });
  });

  test("of somebody else is a 403, whether it exists or not", async () => {
    const { post, get } = setup();
    await post({ name: "Ann" }, "u-1");
    expect((await get("u-1", "u-2")).status).toBe(403);
    expect((await get("u-9", "u-2")).status).toBe(403);
  });

  test("that is not there is a 404", async () => {
    expect((await setup().get("u-1", "u-1")).status).toBe(404);
  });

  test("needs a token", async () => {
    const { post, get, catalog } = setup();
    expect((await get("u-1")).status).toBe(401);
    expect((await post({ name: "Ann" })).status).toBe(401);
    expect(catalog.documents.size).toBe(0);
  });

  test.each([
    ["name", {}],
    ["name", { name: "" }],
    ["name", { name: "   " }],
    ["name", { name: "a".repeat(101) }],
    ["name", { name: "a\u0000b" }],
    ["name", { name: "a\ud800b" }],
    ["phone", { name: "Ann", phone: "030 1234" }],
    ["locale", { name: "Ann", locale: "german!" }],
    ["marketing", { name: "Ann", marketing: "yes" }],
    ["id", { name: "Ann", id: "u-2" }],
    ["createdAt", { name: "Ann", createdAt: "1970" }],
  ])("is refused for its %s, as in %j", async (field, body) => {
    const { post, catalog } = setup();
    const response = await post(body, "u-1");
    expect(response.status).toBe(400);
    const { errors } = (await response.json()) as { errors: { field: string }[] };
    expect(errors.map((error) => error.field)).toContain(field);
    expect(catalog.documents.size).toBe(0);
  });

  test.each(["a", "a".repeat(100), "日本 太郎", "👩‍👩‍👧", "O'Brien-Łukasz"])(
    "may have the name %j",
    async (name) => {
      const { post } = setup();
      expect((await post({ name, marketing: false }, "u-1")).status).toBe(201);
    },
  );
});
