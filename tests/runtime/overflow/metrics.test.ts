import { expect, test } from "vitest";
import type { AdmissionSnapshot } from "../../../runtime/overflow/admission.ts";
import { admissionLine } from "../../../runtime/overflow/metrics.ts";

const snapshot: AdmissionSnapshot = {
  admitted: 10,
  spilled: 3,
  spilledFailed: 1,
  refused: 2,
  inFlight: 4,
  spilling: 1,
  waiting: 0,
  limit: 20,
  breaker: "open",
  budgetShare: 0.5,
};

test("a line names each metric in the format that CloudWatch reads", () => {
  const line = JSON.parse(admissionLine("api")(undefined, snapshot, 1_700_000_000_000));
  const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
  expect({ Namespace, Dimensions }).toEqual({ Namespace: "Spillway", Dimensions: [["workload"]] });
  expect(line._aws.Timestamp).toBe(1_700_000_000_000);
  for (const { Name } of Metrics) expect(typeof line[Name]).toBe("number");
  expect(line).toMatchObject({ workload: "api", admitted: 10, limit: 20, breakerOpen: 1 });
});

test("a line counts what came since the line before", () => {
  const later = { ...snapshot, admitted: 15, inFlight: 1 };
  expect(JSON.parse(admissionLine("api")(snapshot, later, 0))).toMatchObject({
    admitted: 5,
    spilled: 0,
    inFlight: 1,
  });
});
