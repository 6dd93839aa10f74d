import { expect, onTestFinished, test } from "vitest";
import { fleet, start, temporary } from "./harness.ts";

test("a start says in one line which workload does not come up, and why; the rest serves", async () => {
  const { folder, remove } = temporary();
  const host = await start(fleet, folder);
  onTestFinished(async () => {
    await host.end();
    remove();
  });
  const lines = host.log().split("\n");
  expect(lines.filter((line) => line.includes("does not come up"))).toEqual([
    'workload "faulty": does not come up: there is no licence here',
  ]);
  expect((await fetch(`${host.url}/who`)).status).toBe(200);
});
