import { expect, test } from "vitest";
import { explainLockIn, lockIn } from "../../planner/index.ts";
import { defineSystem, http, native } from "../../spec/index.ts";
import { load } from "./workloads.ts";

const system = defineSystem({
  name: "shop",
  natives: {
    partner: native.aws({
      arn: "arn:aws:events:eu-central-1:111122223333:event-bus/partner",
      actions: ["events:PutEvents"],
      because: "the partner listens on a bus of its own account",
    }),
    spare: native.aws({
      arn: "arn:aws:sns:eu-central-1:111122223333:t",
      actions: ["sns:Publish"],
      because: "none",
    }),
  },
  workloads: {
    teller: http({
      code: "functions/teller",
      routes: ["GET /a"],
      auth: "none",
      uses: { partner: "use" },
      load: load(),
    }),
    other: http({ code: "functions/other", routes: ["GET /b"], auth: "none", load: load() }),
  },
});

test("native resources are named as lock-in, with who uses them and why", () => {
  expect(lockIn(system).map(explainLockIn)).toEqual([
    "lock-in: partner (aws: events:PutEvents), used by teller: the partner listens on a bus of its own account",
    "lock-in: spare (aws: sns:Publish), used by nobody: none",
  ]);
});

test("a system of neutral parts has none", () => {
  expect(lockIn({ ...system, natives: {} })).toEqual([]);
});
