import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  access,
  envName,
  localSecretEnvName,
  tokenEnv,
  type Use,
  usesOf,
} from "../../spec/index.ts";
import { faultsOf } from "../../spec/validate.ts";
import { system } from "../../system.ts";

const all = Object.keys(system.workloads).flatMap((name) => usesOf(system, name));

describe("environment variables", () => {
  test("say what they hold", () => {
    expect(envName({ kind: "objectStore", name: "media" })).toBe("SPILLWAY_OBJECT_STORE_MEDIA");
    expect(envName({ kind: "table", name: "orderLines" })).toBe("SPILLWAY_TABLE_ORDER_LINES");
    expect(envName({ kind: "queue", name: "my-queue" })).toBe("SPILLWAY_QUEUE_MY_QUEUE");
    expect(envName({ kind: "secret", name: "github-webhook" })).toBe(
      "SPILLWAY_SECRET_ARN_GITHUB_WEBHOOK",
    );
    expect(localSecretEnvName("github-webhook")).toBe("SPILLWAY_SECRET_GITHUB_WEBHOOK");
  });

  test("are one for each resource of a system", () => {
    const resources = new Set(all.map(({ kind, name }) => `${kind} ${name}`));
    const variables = [...new Set(all.map(envName)), ...Object.values(tokenEnv)];
    expect(new Set(variables).size).toBe(resources.size + Object.keys(tokenEnv).length);
  });

  test("are names that every shell takes", () => {
    for (const name of [...all.map(envName), ...Object.values(tokenEnv)])
      expect(name).toMatch(/^[A-Z][A-Z0-9_]*$/);
  });

  test("differ for any two resources that one sound system may have", () => {
    const name = fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,3}(-[a-zA-Z0-9]{1,3}){0,2}$/);
    const kind = fc.constantFrom<Use["kind"]>(
      ...(Object.keys(access) as (keyof typeof access)[]),
      "secret",
    );
    const use = fc.record({ kind, name });
    fc.assert(
      fc.property(use, use, (a, b) => {
        const sound =
          a.kind !== b.kind ||
          faultsOf({
            name: "shop",
            stores: {},
            channels: {},
            services: {},
            natives: {},
            secrets: [a.name, b.name],
            workloads: {},
          }).length === 0;
        if (sound) expect(envName(a)).not.toBe(envName(b));
      }),
      { numRuns: 2_000 },
    );
  });
});
