import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { checked, corsFault, plainFaults, refuse } from "../../../components/shared/validation.ts";
import { runUnderMocks } from "../harness.ts";

const positive = (value: number) => (value > 0 ? undefined : `count ${value}; use more than 0`);

describe("refusing", () => {
  test("nothing where there is no fault", () => {
    expect(() => refuse("Thing", "a", [])).not.toThrow();
  });

  test("one fault in one line", () => {
    expect(() => refuse("Thing", "a", ["count 0; use more than 0"])).toThrow(
      /^Thing "a": count 0; use more than 0$/,
    );
  });

  test("all faults in one message", () => {
    expect(() => refuse("Thing", "a", ["one", "two"])).toThrow(
      'Thing "a": 2 faults\n  - one\n  - two',
    );
  });
});

describe("inputs", () => {
  test("plain values are judged at once", () => {
    expect(plainFaults(0, positive)).toEqual(["count 0; use more than 0"]);
    expect(plainFaults(1, positive)).toEqual([]);
    expect(plainFaults(undefined, positive)).toEqual([]);
  });

  test("outputs and promises are judged when they are known", async () => {
    expect(plainFaults(pulumi.output(0), positive)).toEqual([]);
    expect(plainFaults(Promise.resolve(0), positive)).toEqual([]);
    const later = (value: pulumi.Input<number>) =>
      runUnderMocks(() => void checked("Thing", "a", value, positive));
    await expect(later(pulumi.output(0))).rejects.toThrow('Thing "a": count 0; use more than 0');
    await expect(later(Promise.resolve(0))).rejects.toThrow('Thing "a": count 0');
    await expect(later(pulumi.output(1))).resolves.toBeDefined();
  });
});

test.each([
  [{ origins: ["https://a.example", "http://localhost:5173"], credentials: true }, undefined],
  [{ origins: ["*"] }, undefined],
  [{ origins: ["*"], credentials: true }, "name the origins"],
  [{ origins: ["https://a.example"], methods: ["*"], credentials: true }, "name the methods"],
  [{ origins: ["https://a.example/"] }, "write scheme and host"],
  [{ origins: ["https://*.example"] }, "write scheme and host"],
])("CORS %j: %s", (cors, expected) => {
  const fault = corsFault(cors);
  if (expected === undefined) expect(fault).toBeUndefined();
  else expect(fault).toContain(expected);
});
