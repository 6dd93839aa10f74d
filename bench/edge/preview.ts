import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { zipSync } from "fflate";
import { ServerlessEdge } from "../../components/aws/ServerlessEdge.ts";
import { defineSystem, http, identity, table } from "../../spec/index.ts";
import { type Engine, openEngine, openStack } from "../../tools/engine.ts";
import { type Bench, type Result, ratio, result, shown } from "../result.ts";
import { type FlatArgs, flatEdge } from "./flat.ts";

const sizes = [10, 100, 250];
const load = { perDay: 1000, shape: "steady", ms: { p50: 20, p99: 90 }, memoryMb: 256 } as const;

/** An edge of so many workloads, all with one prebuilt archive: as a component, and flat. */
function programs(size: number, archive: string): { component: PulumiFn; flat: PulumiFn } {
  const names = Array.from({ length: size }, (_, index) => `w${index}`);
  const given: FlatArgs = {
    names,
    archive,
    tableArn: "arn:aws:dynamodb:us-east-1:123456789012:table/catalog",
    tableName: "catalog",
    issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_bench",
    clientId: "bench",
  };
  const system = defineSystem({
    name: "bench",
    stores: { catalog: table() },
    services: { identity: identity() },
    workloads: Object.fromEntries(
      names.map((name) => [
        name,
        http({
          code: `functions/${name}`,
          routes: [`GET /${name}`, `POST /${name}`],
          uses: { catalog: ["get", "put"] },
          load,
        }),
      ]),
    ),
  });
  const stores = {
    catalog: { kind: "table", arn: given.tableArn, location: given.tableName },
  } as const;
  const artefacts = Object.fromEntries(names.map((name) => [name, { archive }]));
  return {
    component: async () =>
      void new ServerlessEdge("edge", { system, artefacts, stores, userPool: given }),
    flat: async () => flatEdge(given),
  };
}

/** Milliseconds of a preview; all of it is to be created. */
const preview = (stack: Stack, resources: number) => async () => {
  const start = performance.now();
  const { changeSummary } = await stack.preview();
  const elapsed = performance.now() - start;
  if (changeSummary.create !== resources)
    throw new Error(`bench: ${changeSummary.create} resources instead of ${resources}`);
  return elapsed;
};

async function measure(engine: Engine, size: number, archive: string) {
  const { component, flat } = programs(size, archive);
  const config = { "aws:region": { value: "us-east-1" } };
  const ours = await openStack(engine, { project: `c${size}`, program: component, config });
  const bare = await openStack(engine, { project: `f${size}`, program: flat, config });
  // Stack and four of the API; nine a workload. The components themselves come on top of ours.
  const same = 5 + 9 * size;
  const pairs = size > 100 ? 3 : 5;
  return ratio(pairs, preview(ours, same + 1 + size), preview(bare, same));
}

/** Preview of one edge component, with prebuilt artefacts, against a flat program of the same resources. */
export const previews: Bench = async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "spillway-bench-"));
  try {
    const archive = path.join(folder, "function.zip");
    writeFileSync(archive, zipSync({ "index.mjs": new TextEncoder().encode("export {};") }));
    const engine = await openEngine(folder);
    const results: Result[] = [];
    const perWorkload: number[] = [];
    for (const size of sizes) {
      const { ratio: value, a } = await measure(engine, size, archive);
      results.push(
        result(`preview: ${size} workloads / flat program`, value, "ratio", "<=", 1.25),
        shown(`preview: ${size} workloads`, a, "ms"),
      );
      perWorkload.push(a / size);
    }
    // Linear: a workload among 250 costs no more than one among 100.
    const growth = (perWorkload[2] ?? Number.NaN) / (perWorkload[1] ?? Number.NaN);
    results.push(result("preview: a workload's time, 250 / 100", growth, "ratio", "<=", 1.1));
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
