import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { skipPromiseStacks } from "../../../components/shared/promise-stacks.ts";
import { runUnderMocks } from "../harness.ts";

const before = Error.prepareStackTrace;
// As Node has it where nobody formats stacks.
beforeEach(() => Reflect.deleteProperty(Error, "prepareStackTrace"));
afterEach(() => {
  Error.prepareStackTrace = before;
  vi.unstubAllEnvs();
});

/** The stacks that are written out while a component is made. */
async function written(): Promise<readonly string[]> {
  const stacks: string[] = [];
  Error.prepareStackTrace = (_, sites) => {
    stacks.push(`${sites[0]?.getFunctionName()}`);
    return "";
  };
  skipPromiseStacks();
  await runUnderMocks(() => {
    const component = new pulumi.ComponentResource("test:Thing", "thing");
    return { urn: component.urn };
  });
  return stacks;
}

test("stacks of the SDK's promises are not written out", async () => {
  expect(await written()).not.toContain("debuggablePromise");
});

test("they are where leaks of promises are looked for", async () => {
  vi.stubEnv("PULUMI_DEBUG_PROMISE_LEAKS", "true");
  expect(await written()).toContain("debuggablePromise");
});

test("any other stack is as Node writes it", () => {
  const thrown = () => new TypeError("no good").stack?.split("\n").slice(0, 2);
  const [plain] = [thrown()];
  skipPromiseStacks();
  expect(thrown()?.[0]).toBe("TypeError: no good");
  expect(thrown()?.[1]?.replace(/:\d+:\d+/, "")).toBe(plain?.[1]?.replace(/:\d+:\d+/, ""));
});
