import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bundled, bundleFunctions } from "../../components/shared/bundling.ts";
import { defineSystem, http, usesOf } from "../../spec/index.ts";
import { system } from "../../system.ts";
import { root } from "./sources.ts";

/** Kinds of ports that bring no cloud client. */
const withoutClient = ["edge"];
/** In kB, minified. 1 MB of code costs about 25 ms of a cold start. */
const budget = { withClient: 450, without: 120 };

describe("bundle budgets", () => {
  const folder = mkdtempSync(join(tmpdir(), "spillway-budgets-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("every function of storefront is within its budget", async () => {
    const artefacts = await bundleFunctions({ system, root, outDir: folder });
    expect(Object.keys(artefacts).sort()).toEqual(bundled(system, root).sort());
    const over = Object.entries(artefacts).filter(([name, { bytes }]) => {
      const clients = usesOf(system, name).filter((use) => !withoutClient.includes(use.kind));
      return bytes / 1000 > (clients.length > 0 ? budget.withClient : budget.without);
    });
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
