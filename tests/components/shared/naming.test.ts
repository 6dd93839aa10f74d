import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  nameLimits,
  physicalName,
  physicalPrefix,
  plain,
  shorten,
} from "../../../components/shared/naming.ts";
import { runUnderMocks } from "../harness.ts";

const inStack = async <T>(body: () => T, stack = "dev") =>
  (await runUnderMocks(body, { project: "shop", stack })).result;

describe("physical names", () => {
  test("are project, stack and logical name", async () => {
    expect(await inStack(() => physicalName("edge-users", "function"))).toBe("shop-dev-edge-users");
  });

  test("prefixes of buckets are lower case and leave room for what the provider adds", async () => {
    const prefix = await inStack(() => physicalPrefix("stores-mediaFiles", "bucketPrefix"));
    expect(prefix).toBe("shop-dev-stores-mediafiles-");
  });

  test("never exceed their limit, whatever is asked for", async () => {
    const long = "w".repeat(300);
    for (const kind of ["function", "role", "queue", "table", "api", "userPool"] as const)
      expect((await inStack(() => physicalName(long, kind))).length).toBeLessThanOrEqual(
        nameLimits[kind],
      );
    const bucket = await inStack(() => physicalPrefix(long, "bucketPrefix"));
    expect(bucket).toMatch(/^[a-z0-9-]{1,37}$/);
  });
});

describe("shortening", () => {
  const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,99}$/);

  test("leaves a name alone that is short enough", () => {
    fc.assert(fc.property(names, (name) => shorten(name, 100) === name));
  });

  test("keeps the beginning, and ends in a hash of the whole", () => {
    expect(shorten("storefront-prod-edge-webhookEvents", 24)).toMatch(
      /^storefront-prod-e-[0-9a-f]{6}$/,
    );
  });

  test("two names that differ stay two", () => {
    fc.assert(
      fc.property(names, names, (one, two) => one === two || shorten(one, 20) !== shorten(two, 20)),
    );
  });
});

describe("plain names", () => {
  test("have no other characters, and no two texts share one", () => {
    const texts = fc.array(fc.constantFrom("a", "-", "/", "{", "}", " ", "_"), { minLength: 1 });
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const [one, two] = [a.join(""), b.join("")];
        return (
          /^[\w-]{1,30}$/.test(plain(one, 30)) && (one === two || plain(one, 30) !== plain(two, 30))
        );
      }),
    );
  });

  test("of routes that look alike stay apart", () => {
    const routes = ["edge-GET /a-b", "edge-GET /a/b", "edge-GET /a/{b}", "edge-GET /a/{b+}"];
    expect(new Set(routes.map((route) => plain(route, 92))).size).toBe(4);
  });
});
