import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cloud } from "./cloud.ts";

describe("each function that would be deployed", () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await Cloud.start();
  });
  afterAll(() => cloud?.stop());

  test("starts from its archive with the environment that the graph gives it", async () => {
    expect(cloud.workloads.length).toBeGreaterThan(15);
    const faults: string[] = [];
    const waiting = cloud.workloads.values();
    const worker = async () => {
      for (const workload of waiting) {
        const made = await cloud.function(workload);
        await made.start().catch((error: Error) => faults.push(`${workload}: ${error.message}`));
        faults.push(...made.logs.map((line) => `${workload} says ${line}`));
        await made.stop();
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    expect(faults).toEqual([]);
  });
});
