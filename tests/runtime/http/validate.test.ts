import { describe, expect, test } from "vitest";
import * as z from "zod/mini";
import { Problem } from "../../../runtime/http/problem.ts";
import { body } from "../../../runtime/http/validate.ts";

const read = body(
  z.strictObject({
    name: z.string().check(z.minLength(2), z.maxLength(5)),
    age: z.optional(z.int().check(z.gte(0))),
    kind: z.optional(z.enum(["a", "b"])),
    tags: z.optional(z.array(z.strictObject({ id: z.string() }))),
  }),
);

type Content = ConstructorParameters<typeof Response>[0];

const send = (content: Content, headers: Record<string, string> = {}) =>
  read(
    new Request("https://shop.example/", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: content,
    }),
  );

async function refusal(answer: Promise<unknown>): Promise<Problem> {
  const error = await answer.catch((thrown: unknown) => thrown);
  if (!(error instanceof Problem)) throw new Error("it was not refused", { cause: error });
  return error;
}

describe("a JSON body", () => {
  test("that fits is handed over", async () => {
    expect(await send('{"name":"Ann","age":3}')).toEqual({ name: "Ann", age: 3 });
  });

  test.each([
    "application/json",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "Application/JSON",
    "application/merge-patch+json",
  ])("may come as %s", async (type) => {
    expect(await send('{"name":"Ann"}', { "content-type": type })).toEqual({ name: "Ann" });
  });

  test.each([
    ["content-type", "text/plain"],
    ["content-type", "application/jsonp"],
    ["content-type", "application/x-www-form-urlencoded"],
    ["content-type", "application/json; charset=utf-16"],
    ["content-type", "application/json; charset=latin1"],
    ["content-encoding", "gzip"],
  ])("with %s: %s is a 415", async (name, value) => {
    expect((await refusal(send('{"name":"Ann"}', { [name]: value }))).status).toBe(415);
  });

  test.each([
    ["nothing", ""],
    ["half of it", '{"name":'],
    ["two values", "{} {}"],
    ["bytes that are no UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
    ["deep nesting", "[".repeat(100_000)],
  ])("of %s is a 400", async (_, content) => {
    const problem = await refusal(send(content));
    expect(problem).toMatchObject({ status: 400, code: "invalid" });
  });

  test.each([
    ["{}", "name", "is missing"],
    ['{"name":7}', "name", "must be text"],
    ['{"name":"A"}', "name", "must have at least 2 characters"],
    ['{"name":"Annabel"}', "name", "must have at most 5 characters"],
    ['{"name":"Ann","age":-1}', "age", "must be at least 0"],
    ['{"name":"Ann","age":1.5}', "age", "must be a whole number"],
    ['{"name":"Ann","kind":"c"}', "kind", "must be one of a, b"],
    ['{"name":"Ann","tags":[{"id":"x"},{"id":1}]}', "tags.1.id", "must be text"],
    ['{"name":"Ann","colour":"red"}', "colour", "is not known here"],
    ["[]", "(body)", "must be an object"],
    ["null", "(body)", "must be an object"],
  ])("%s is a 400 that names %s", async (content, field, message) => {
    const problem = await refusal(send(content));
    expect(problem.status).toBe(400);
    expect(problem.errors).toEqual([{ field, message }]);
  });

  test("with a key that would reach the prototype is refused, and harmless", async () => {
    const problem = await refusal(
      send('{"name":"Ann","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}'),
    );
    expect(problem.errors?.map(({ field }) => field)).toContain("constructor");
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test("never comes back in the answer", async () => {
    const problem = await refusal(send('{"name":"a-very-secret-password"}'));
    expect(await problem.toResponse().text()).not.toContain("secret");
  });

  test("with thousands of unknown fields gives a short answer", async () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`field-${i}`, i]));
    const problem = await refusal(send(JSON.stringify({ name: "Ann", ...many })));
    expect(problem.errors).toHaveLength(20);
  });

  test("that breaks off is a 400", async () => {
    const broken = new ReadableStream({
      start: (controller) => controller.error(new Error("the client went away")),
    });
    const request = new Request("https://shop.example/", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: broken,
      duplex: "half",
    });
    expect((await refusal(read(request))).status).toBe(400);
  });
});
