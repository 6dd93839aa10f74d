import { describe, expect, test } from "vitest";
import { parseRoute, routeKey } from "../../spec/index.ts";

const key = (text: string) => {
  const route = parseRoute(text);
  if (typeof route === "string") throw new Error(route);
  return routeKey(route);
};

describe("a route", () => {
  test("is a method and a path", () => {
    expect(parseRoute("GET /users/{id}")).toEqual({
      method: "GET",
      path: "/users/{id}",
      segments: ["users", "{id}"],
    });
    expect(parseRoute("ANY /")).toEqual({ method: "ANY", path: "/", segments: [] });
  });

  test.each([
    ["", 'write it as "GET /users/{id}"'],
    ["GET", 'write it as "GET /users/{id}"'],
    ["GET /users /x", 'write it as "GET /users/{id}"'],
    [
      "get /users",
      "method get is unknown; use one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY",
    ],
    ["GET users", 'path users does not start with "/"'],
    ["GET /users/", 'path segment "" is neither plain text nor {name}'],
    ["GET /a//b", 'path segment "" is neither plain text nor {name}'],
    ["GET /:id", 'path segment ":id" is neither plain text nor {name}'],
    ["GET /{}", 'path segment "{}" is neither plain text nor {name}'],
    ["GET /{1a}", 'path segment "{1a}" is neither plain text nor {name}'],
    ["GET /a?b=c", 'path segment "a?b=c" is neither plain text nor {name}'],
    ["GET /{rest+}/x", "{rest+} takes the rest of the path; put it last"],
    ["GET /{id}/x/{id}", "parameter {id} stands twice; rename one"],
    ["GET /{id}/{id+}", "parameter {id} stands twice; rename one"],
  ])('unlike "%s" is told what to write', (text, fault) => {
    expect(parseRoute(text)).toBe(fault);
  });

  test("has a key that leaves out what its parameters are called", () => {
    expect(key("GET /users/{id}")).toBe("GET /users/{}");
    expect(key("GET /files/{path+}")).toBe("GET /files/{+}");
    expect(key("GET /")).toBe("GET /");
  });
});
