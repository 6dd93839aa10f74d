import { describe, expect, test } from "vitest";
import { access, kindOf, type ResourceKind, usesOf, verbsOf } from "../../spec/index.ts";
import { system } from "../../system.ts";

const kinds = Object.keys(access) as ResourceKind[];

describe("access", () => {
  test.each(kinds)("to a %s: levels are made of its verbs, and together name them all", (kind) => {
    const levels = Object.values(access[kind].levels).flat();
    expect([...new Set<string>(levels)].sort()).toEqual([...access[kind].verbs].sort());
  });

  test("by level is its verbs, by list is the list", () => {
    expect(verbsOf("table", "read")).toEqual(["get", "query"]);
    expect(verbsOf("table", ["get", "put"])).toEqual(["get", "put"]);
  });

  test.each(["", "admin", "constructor", "toString"])('is none for the level "%s"', (level) => {
    expect(verbsOf("table", level)).toBeUndefined();
  });

  test("is none for an empty list, or one with another kind's verb", () => {
    expect(verbsOf("table", [])).toBeUndefined();
    expect(verbsOf("table", ["get", "list"])).toBeUndefined();
  });

  test("for reading grants nothing that writes", () => {
    for (const kind of ["table", "objectStore"] as const)
      for (const verb of ["put", "delete", "once"])
        expect(verbsOf(kind, "read")).not.toContain(verb);
  });
});

describe("what a workload uses", () => {
  test("is resolved in the order of its declaration, secrets by name", () => {
    expect(usesOf(system, "webhooks")).toEqual([
      { name: "edge", kind: "edge", verbs: ["url"] },
      { name: "inbox", kind: "queue", verbs: ["send"] },
      ...["stripe-webhook", "github-webhook", "twilio-webhook", "standard-webhook"].map((name) => ({
        name,
        kind: "secret",
        verbs: ["get"],
      })),
    ]);
  });

  test("is nothing where it says nothing, or is not there", () => {
    expect(usesOf(system, "signUpRules")).toEqual([]);
    expect(usesOf(system, "nobody")).toEqual([]);
  });

  test("of a system that was not validated is refused by name", () => {
    const users = { ...system.workloads.users, uses: { catalog: "all" } };
    expect(() => usesOf({ ...system, workloads: { users } }, "users")).toThrow(
      'Workload "users": uses catalog: "all", which is not declared; declare the system with defineSystem, which names the remedy',
    );
  });

  test("may be a workflow, and no other workload", () => {
    expect(kindOf(system, "checkout")).toBe("workflow");
    expect(kindOf(system, "users")).toBeUndefined();
    expect(kindOf(system, "constructor")).toBeUndefined();
  });
});
