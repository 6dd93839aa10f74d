import { describe, expect, test } from "vitest";
import { compileRoutes } from "../../../local/gateway/router.ts";
import { parseRoute, type Route } from "../../../spec/index.ts";

const router = (...routes: string[]) =>
  compileRoutes(routes.map((text) => ({ route: parseRoute(text) as Route, target: text })));

describe("the gateway's router", () => {
  const find = router(
    "GET /users/{id}",
    "POST /users",
    "GET /users/me",
    "ANY /users/{id}/notes",
    "GET /users/{id}/notes",
    "GET /files/{path+}",
    "GET /files/{name}",
    "ANY /any/{rest+}",
    "GET /",
  );

  test.each([
    ["GET", "/users/7", "GET /users/{id}"],
    ["POST", "/users", "POST /users"],
    ["GET", "/", "GET /"],
  ])("%s %s is answered by %s", (method, path, expected) => {
    expect(find(method, path)).toBe(expected);
  });

  test("plain text goes before a parameter", () => {
    expect(find("GET", "/users/me")).toBe("GET /users/me");
  });

  test("a parameter goes before the rest of the path", () => {
    expect(find("GET", "/files/a")).toBe("GET /files/{name}");
    expect(find("GET", "/files/a/b/c")).toBe("GET /files/{path+}");
  });

  test("a method that is named goes before ANY", () => {
    expect(find("GET", "/users/7/notes")).toBe("GET /users/{id}/notes");
    expect(find("DELETE", "/users/7/notes")).toBe("ANY /users/{id}/notes");
  });

  test("a branch that leads nowhere is left for a less specific one", () => {
    const both = router("GET /a/b/c", "GET /a/{x}/d", "GET /a/{rest+}");
    expect(both("GET", "/a/b/d")).toBe("GET /a/{x}/d");
    expect(both("GET", "/a/b/e")).toBe("GET /a/{rest+}");
  });

  test.each([
    ["GET", "/users"],
    ["GET", "/users/"],
    ["GET", "/users/7/"],
    ["GET", "/files/"],
    ["PUT", "/users/7"],
    ["HEAD", "/users/7"],
    ["GET", "/nowhere"],
    ["GET", "//"],
  ])("%s %s has no route", (method, path) => {
    expect(find(method, path)).toBeUndefined();
  });

  test("percent-encoding is undone as the workload's router undoes it", () => {
    expect(find("GET", "/%75sers/7")).toBe("GET /users/{id}");
    expect(find("GET", "/users/a%2Fb")).toBe("GET /users/{id}");
    expect(find("GET", "/users/%zz")).toBe("GET /users/{id}");
  });

  test("names of Object's prototype are no routes", () => {
    expect(find("GET", "/constructor")).toBeUndefined();
    expect(find("GET", "/__proto__")).toBeUndefined();
  });
});
