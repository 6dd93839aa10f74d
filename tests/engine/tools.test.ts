import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { build, isOlder, MissingTool, needGo } from "../../tools/pulumi/go-build.ts";
import { onPath, pulumiCli, pulumiPath } from "../../tools/pulumi/install.ts";
import { layOut } from "../../tools/simulated/awsx/vpc.ts";
import { addTypes, format, fullToken } from "../../tools/simulated/cut-schema.ts";
import { readTable, type Table } from "../../tools/simulated/table.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "spillway-tools-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with a stand-in for a program, for PATH. */
function standIn(name: string, script: string): string {
  const path = mkdtempSync(join(folder, "bin-"));
  writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

async function withPath<T>(path: string, run: () => Promise<T>): Promise<T> {
  vi.stubEnv("PATH", path);
  vi.stubEnv("XDG_CACHE_HOME", mkdtempSync(join(folder, "cache-")));
  try {
    return await run();
  } finally {
    vi.unstubAllEnvs();
  }
}

describe("the command line", () => {
  test("is the one on PATH when there is one", async () => {
    const path = standIn("pulumi", "true");
    expect(await withPath(path, pulumiPath)).toBe(join(path, "pulumi"));
  });

  test("is the version that package.json pins for the SDK", async () => {
    const { default: manifest } = await import("../../package.json", { with: { type: "json" } });
    expect(pulumiCli.version).toBe(manifest.dependencies["@pulumi/pulumi"]);
  });

  test("without Go: one line that says what to install", async () => {
    const refusal = withPath(join(folder, "empty"), pulumiPath);
    await expect(refusal).rejects.toThrow(MissingTool);
    await expect(refusal).rejects.toThrow(
      /^no `pulumi` on PATH, and no `go` to build it with; install Go 1\.25\.11 or newer.*$/,
    );
  });

  test("with a Go that is too old: the same, with its version", async () => {
    const path = standIn("go", "echo go1.19.8");
    await expect(withPath(path, needGo)).rejects.toThrow(
      /Go 1\.19\.8 is too old to build it; install Go 1\.25\.11/,
    );
  });

  test("is built once, though several ask at once", async () => {
    const log = join(folder, "builds");
    // A stand-in for `go build … -o <file> <package>`: slow, and noted.
    const script = `[ "$1" = env ] && echo go1.26.8 && exit; echo built >> ${log}; sleep 1; cp "$0" bin/pulumi`;
    const path = [standIn("go", script), "/usr/bin", "/bin"].join(":");
    const cache = join(folder, "shared");
    vi.spyOn(console, "error").mockImplementation(() => {});
    const built = await withPath(path, () =>
      Promise.all([1, 2, 3].map(() => build(pulumiCli, cache))),
    );
    vi.restoreAllMocks();
    expect(new Set(built)).toEqual(new Set([join(cache, "pulumi/3.256.0/bin/pulumi")]));
    const { readFileSync } = await import("node:fs");
    expect(readFileSync(log, "utf8")).toBe("built\n");
  });

  test("a build that fails says why and leaves nothing behind", async () => {
    const path = [
      standIn("go", "[ $1 = env ] && echo go1.26.8 && exit; echo no module >&2; exit 3"),
      "/usr/bin",
      "/bin",
    ].join(":");
    const cache = join(folder, "failed");
    vi.spyOn(console, "error").mockImplementation(() => {});
    await expect(withPath(path, () => build(pulumiCli, cache))).rejects.toThrow(
      /go build failed \(3\):\nno module/,
    );
    vi.restoreAllMocks();
    expect(onPath("pulumi", join(cache, "pulumi/3.256.0/bin"))).toBeUndefined();
  });

  test("compares versions by number", () => {
    expect([isOlder("1.19.8", "1.25.11"), isOlder("1.25.9", "1.25.11")]).toEqual([true, true]);
    expect([isOlder("1.25.11", "1.25.11"), isOlder("1.26", "1.25.11")]).toEqual([false, false]);
  });
});

describe("cut-schema", () => {
  const empty = (): Table => ({ resources: {}, functions: {}, types: {} });

  test("copies a type with the shared types that it refers to", () => {
    const full: Table = {
      resources: {
        "aws:a/b:B": {
          properties: { x: { type: "object", ref: "1" }, y: { type: "string", notInNpm: true } },
        },
      },
      functions: {},
      types: { 1: { properties: { z: { ref: "2" } } }, 2: { properties: {} }, 3: {} },
    };
    const small = addTypes(full, empty(), ["aws:a/b:B"]);
    expect(Object.keys(small.types)).toEqual(["1", "2"]);
    expect(Object.keys(small.resources["aws:a/b:B"]?.properties ?? {})).toEqual(["x"]);
  });

  test("takes short names, and refuses what it cannot find", () => {
    expect(fullToken("aws", "sqs/Queue")).toBe("aws:sqs/queue:Queue");
    expect(() => fullToken("aws", "Queue")).toThrow("write aws:sqs/queue:Queue or sqs/Queue");
    expect(() => addTypes(empty(), empty(), ["aws:a/b:B"])).toThrow(
      '"aws:a/b:B" is not in the full table',
    );
  });

  test("writes what it reads: the table keeps its source and licence", () => {
    const table = readTable("aws");
    expect(JSON.parse(format(table))).toEqual(table);
    expect(table.source).toContain("terraform-provider-aws");
    expect(table.licence).toBe("MPL-2.0");
  });
});

describe("the simulated VPC's addresses", () => {
  test("share the range, and never overlap", () => {
    const specs = [{ type: "Private" as const }, { type: "Public" as const, cidrMask: 20 }];
    expect(layOut("10.0.0.0/16", 2, specs)).toEqual([
      ["10.0.0.0/18", "10.0.64.0/20"],
      ["10.0.128.0/18", "10.0.192.0/20"],
    ]);
  });

  test("refuse what does not fit", () => {
    expect(() => layOut("10.0.0.0/24", 3, [{ type: "Public", cidrMask: 24 }])).toThrow(
      "use smaller subnets",
    );
  });
});
