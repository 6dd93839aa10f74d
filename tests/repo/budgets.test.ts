import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bundled, bundleFunctions } from "../../components/shared/bundling.ts";
import { defineSystem, http, sourceOf, usesOf } from "../../spec/index.ts";
import { system } from "../../system.ts";
import { root } from "./sources.ts";

/** Kinds of ports that bring no cloud client. */
const withoutClient = ["edge", "native", "scanner"];
/** What needs S3's client, which is twice the others'; signing does not. */
const ofObjects = ["get", "list", "put", "delete"];
/** In kB, minified. 1 MB of code costs about 25 ms of a cold start. */
const budget = { withCache: 700, withObjects: 600, withSql: 600, withClient: 450, without: 120 };
/** Of graphql-yoga with graphql, a third of it: what it brings beside a workload's ports. */
const graphqlKb = 450;
/** In MB, with sharp and libvips as files: how long a cold start unpacks. */
const unzippedMb = 25;

/** In kB. What an event starts has SQS's client for its dead letters. */
function budgetOf(name: string): number {
  const uses = usesOf(system, name);
  if (
    uses.some(
      ({ kind, verbs }) => kind === "objectStore" && verbs.some((v) => ofObjects.includes(v)),
    )
  )
    return budget.withObjects;
  // The protocol's client, beside what signs for it; with a database's driver as well.
  if (uses.some(({ kind }) => kind === "cache")) return budget.withCache;
  // A database's driver and its signer, beside AWS's clients.
  if (uses.some(({ kind }) => kind === "sql")) return budget.withSql;
  const clients = uses.filter(({ kind }) => !withoutClient.includes(kind));
  return clients.length > 0 || sourceOf(system, name) ? budget.withClient : budget.without;
}

describe("bundle budgets", () => {
  const folder = mkdtempSync(join(tmpdir(), "spillway-budgets-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  // Packages with native parts are fetched, once for all that bundle here.
  test("every function of storefront is within its budget", { timeout: 120_000 }, async () => {
    const outDir = join(root, ".spillway/bundles");
    const artefacts = Object.entries(await bundleFunctions({ system, root, outDir }));
    expect(artefacts.map(([name]) => name).sort()).toEqual(bundled(system, root).sort());
    const over = artefacts.filter(
      ([name, { bytes, unzippedBytes }]) =>
        bytes / 1000 > budgetOf(name) + (name === "graphql" ? graphqlKb : 0) ||
        unzippedBytes / 1_000_000 > unzippedMb,
    );
    expect(over.map(([name, { bytes }]) => `${name}: ${bytes / 1000} kB`)).toEqual([]);
  });

  test("an HTTP function without a cloud client is within its own", async () => {
    const load = { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
    const hello = defineSystem({
      name: "hello",
      workloads: {
        hello: http({ code: "bench/edge/hello", routes: ["GET /hello"], auth: "none", load }),
      },
    });
    const artefacts = await bundleFunctions({ system: hello, root, outDir: folder });
    expect((artefacts.hello?.bytes ?? Number.NaN) / 1000).toBeLessThanOrEqual(budget.without);
  });
});
