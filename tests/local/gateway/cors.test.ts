import { describe, expect, test } from "vitest";
import { corsRules } from "../../../local/gateway/cors.ts";

describe("CORS with credentials", () => {
  const rules = corsRules({
    origins: ["https://shop.example"],
    methods: ["GET", "POST"],
    headers: ["authorization"],
    credentials: true,
    maxAgeSeconds: 600,
  });

  test("a preflight of a known origin is told all that it may do", () => {
    expect(rules.preflight("https://shop.example")).toEqual({
      vary: "Origin",
      "access-control-allow-origin": "https://shop.example",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET,POST",
      "access-control-allow-headers": "authorization",
      "access-control-max-age": "600",
    });
  });

  test("an unknown origin is granted nothing", () => {
    expect(rules.preflight("https://evil.example")).toEqual({ vary: "Origin" });
    expect(rules.headers("https://evil.example")).toEqual({ vary: "Origin" });
    expect(rules.headers("null")).toEqual({ vary: "Origin" });
  });

  test("answers are kept apart by origin even where none was sent", () => {
    expect(rules.headers(undefined)).toEqual({ vary: "Origin" });
  });
});

describe("CORS for anyone", () => {
  test("grants a wildcard and no credentials", () => {
    const rules = corsRules({ origins: ["*"] });
    expect(rules.headers("https://any.example")).toEqual({ "access-control-allow-origin": "*" });
  });

  test("never joins a wildcard with credentials", () => {
    const rules = corsRules({ origins: ["*"], credentials: true });
    expect(rules.headers("https://any.example")).toEqual({ vary: "Origin" });
  });
});
