import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { bundleFunctions, sizeFaults } from "../../../components/shared/bundling.ts";
import { isForeign, lockOf } from "../../../components/shared/native-packages.ts";
import { defineSystem, http } from "../../../spec/index.ts";
import { type Published, startRegistry } from "./registry.ts";

const arm = { os: "linux", cpu: "arm64" };
const here = { os: process.platform, cpu: process.arch };

const load = { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
const open = { auth: "none", load } as const;
const system = defineSystem({
  name: "small",
  workloads: {
    draws: http({ code: "functions/draws", routes: ["GET /"], packages: ["native"], ...open }),
    plain: http({ code: "functions/plain", routes: ["GET /plain"], ...open }),
  },
});

/** A package like those with native parts: one more for each platform, and help of its own. */
const builds = ["linux-arm64", "linux-x64", "darwin-arm64", "darwin-x64", "win32-x64"];
const platformOf = (build: string) => {
  const [os = "", cpu = ""] = build.split("-");
  return { os: [os], cpu: [cpu] };
};
const optional = [...builds, "linuxmusl-arm64"].map((build) => `native-${build}`);
const published: { manifest: Published; files: Record<string, string> }[] = [
  {
    manifest: {
      name: "native",
      version: "1.0.0",
      main: "index.js",
      dependencies: { helper: "^1.0.0" },
      optionalDependencies: Object.fromEntries(optional.map((name) => [name, "1.0.0"])),
      scripts: { install: "node -e \"require('fs').writeFileSync('ran', '')\"" },
    },
    files: {
      "index.js":
        'exports.built = require(["native", process.platform, process.arch].join("-")) + require("helper");',
    },
  },
  ...builds.map((build) => ({
    manifest: { name: `native-${build}`, version: "1.0.0", main: "it.js", ...platformOf(build) },
    files: { "it.js": `module.exports = "for ${build}, ";` },
  })),
  {
    manifest: {
      name: "native-linuxmusl-arm64",
      version: "1.0.0",
      os: ["linux"],
      cpu: ["arm64"],
      libc: ["musl"],
    },
    files: { "it.js": "" },
  },
  ...["1.0.0", "1.1.0"].map((version) => ({
    manifest: { name: "helper", version, main: "help.js" },
    files: { "help.js": `module.exports = "helped by ${version}";` },
  })),
];

describe("bundles with native packages", () => {
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  let folder: string;
  let pattern: string;
  const write = async (root: string, file: string, text: string) => {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  };
  const lockWith = (helper: string) =>
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        "": { dependencies: { native: "1.0.0" } },
        "node_modules/native": registry.lock("native-1.0.0"),
        "node_modules/helper": registry.lock(`helper-${helper}`),
        ...Object.fromEntries(
          optional.map((name) => [
            `node_modules/${name}`,
            { ...registry.lock(`${name}-1.0.0`), optional: true },
          ]),
        ),
      },
    });
  const fresh = async () => {
    const root = await mkdtemp(join(folder, "project-"));
    await cp(pattern, root, { recursive: true });
    return { system, root, outDir: join(root, "out"), workloads: ["draws"] as const };
  };
  const filesIn = async (archive: string) => Object.keys(unzipSync(await readFile(archive)));

  beforeAll(async () => {
    registry = await startRegistry(published);
    folder = await mkdtemp(join(tmpdir(), "spillway-native-"));
    pattern = join(folder, "pattern");
    await write(
      pattern,
      "runtime/entries/lambda/http.ts",
      "export const lambdaHttp = (handler: unknown) => handler;",
    );
    await write(
      pattern,
      "functions/draws/index.ts",
      'import native from "native"; export const create = () => native.built;',
    );
    await write(pattern, "functions/plain/index.ts", "export const create = () => 1;");
    await write(pattern, "package-lock.json", lockWith("1.0.0"));
  });
  beforeEach(() => {
    vi.stubEnv("npm_config_registry", registry.url);
    vi.stubEnv("npm_config_cache", join(folder, "npm"));
    return () => void vi.unstubAllEnvs();
  });
  afterAll(async () => {
    await registry.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("hold them as files for functions: linux-arm64, glibc, in the versions of the lockfile", async () => {
    const { draws } = await bundleFunctions(await fresh());
    expect(await filesIn(draws.archive)).toEqual([
      "index.mjs",
      "node_modules/helper/help.js",
      "node_modules/helper/package.json",
      "node_modules/native-linux-arm64/it.js",
      "node_modules/native-linux-arm64/package.json",
      "node_modules/native/index.js",
      "node_modules/native/package.json",
    ]);
    const { "node_modules/helper/help.js": helper, ...rest } = unzipSync(
      await readFile(draws.archive),
    );
    expect(Buffer.from(helper ?? []).toString()).toContain("1.0.0");
    const sizes = Object.values(rest).map(({ byteLength }) => byteLength);
    expect(draws.unzippedBytes).toBe(sizes.reduce((sum, size) => sum + size, helper?.length ?? 0));
  });

  test("can be loaded where they were built for this machine", async () => {
    const { draws } = await bundleFunctions({ ...(await fresh()), platform: here });
    const { handler } = await import(pathToFileURL(draws.bundle).href);
    expect(handler).toBe(`for ${here.os}-${here.cpu}, helped by 1.0.0`);
  });

  test("are the same bytes from the same lockfile, wherever", async () => {
    const [one, two] = [await bundleFunctions(await fresh()), await bundleFunctions(await fresh())];
    expect(two.draws.sha256).toBe(one.draws.sha256);
  });

  test("that have not changed ask for nothing, and are not built again", async () => {
    const given = await fresh();
    const first = await bundleFunctions(given);
    const [{ mtimeNs }, before] = [
      await stat(first.draws.archive, { bigint: true }),
      registry.asked.length,
    ];
    expect(await bundleFunctions(given)).toEqual(first);
    expect((await stat(first.draws.archive, { bigint: true })).mtimeNs).toBe(mtimeNs);
    expect(registry.asked.length).toBe(before);
  });

  test("of other code take the same packages, and ask for nothing", async () => {
    const given = await fresh();
    const first = await bundleFunctions(given);
    const before = registry.asked.length;
    const source = 'import native from "native"; export const create = () => [native.built];';
    await write(given.root, "functions/draws/index.ts", source);
    const second = await bundleFunctions(given);
    expect(second.draws.sha256).not.toBe(first.draws.sha256);
    expect(registry.asked.length).toBe(before);
  });

  test("are others for another lockfile, and for another platform", async () => {
    const given = await fresh();
    const first = await bundleFunctions(given);
    await write(given.root, "package-lock.json", lockWith("1.1.0"));
    const second = await bundleFunctions(given);
    const third = await bundleFunctions({ ...given, platform: { os: "darwin", cpu: "x64" } });
    const archives = [first, second, third].map(({ draws }) => draws.sha256);
    expect(new Set(archives).size).toBe(3);
    expect(await filesIn(third.draws.archive)).toContain("node_modules/native-darwin-x64/it.js");
  });

  test("leave other workloads as they are: one module, and nothing to fetch", async () => {
    const given = { ...(await fresh()), workloads: ["plain"] as const };
    const before = registry.asked.length;
    const { plain } = await bundleFunctions(given);
    expect(await filesIn(plain.archive)).toEqual(["index.mjs"]);
    expect(registry.asked.length).toBe(before);
  });

  test("are mended where the packages beside them were lost", async () => {
    const given = { ...(await fresh()), platform: here };
    const { draws } = await bundleFunctions(given);
    await rm(join(given.outDir, ".packages"), { recursive: true });
    expect(await bundleFunctions(given)).toEqual({ draws });
    expect((await stat(join(dirname(draws.bundle), "node_modules/native"))).isDirectory()).toBe(
      true,
    );
  });

  describe("that cannot be fetched", () => {
    const refusal = (given: Parameters<typeof bundleFunctions>[0]) =>
      bundleFunctions({ ...given, platform: arm }).then(
        () => "none",
        (error: Error) => error.message,
      );

    test("are refused by name, version and platform, without the address", async () => {
      vi.stubEnv("npm_config_registry", "http://127.0.0.1:9/");
      vi.stubEnv("npm_config_cache", join(folder, "empty"));
      const text = await refusal(await fresh());
      expect(text).toMatch(
        /^bundleFunctions "draws": npm could not fetch native@1\.0\.0 for linux-arm64 \(ECONNREFUSED\); check/,
      );
      expect(text).not.toContain("127.0.0.1");
    });

    test("since they are not what the lockfile says, are refused", async () => {
      vi.stubEnv("npm_config_cache", join(folder, "empty too"));
      const given = await fresh();
      const lock = JSON.parse(lockWith("1.0.0"));
      lock.packages["node_modules/helper"].integrity = registry.lock("helper-1.1.0").integrity;
      await write(given.root, "package-lock.json", JSON.stringify(lock));
      expect(await refusal(given)).toContain("(EINTEGRITY)");
    });

    test("since nobody installed them, say how", async () => {
      const given = await fresh();
      await rm(join(given.root, "package-lock.json"));
      expect(await refusal(given)).toContain(
        'workload "draws": package "native" is not in package-lock.json; npm install --save-exact native',
      );
    });

    test("leave nothing half behind", async () => {
      const given = await fresh();
      vi.stubEnv("npm_config_registry", "http://127.0.0.1:9/");
      vi.stubEnv("npm_config_cache", join(folder, "empty"));
      await refusal(given);
      vi.stubEnv("npm_config_registry", registry.url);
      expect(await refusal(given)).toBe("none");
    });
  });
});

describe("the lockfile of packages", () => {
  const lock = {
    packages: {
      "": { dependencies: { a: "^1.0.0", unused: "*" } },
      "node_modules/a": { version: "1.2.3", dev: true, dependencies: { b: "*", c: "*" } },
      "node_modules/a/node_modules/b": { version: "2.0.0", dependencies: { c: "*" } },
      "node_modules/b": { version: "1.0.0" },
      "node_modules/c": { version: "3.0.0", optionalDependencies: { b: "*", gone: "*" } },
      "node_modules/unused": { version: "9.0.0" },
    },
  };

  test("holds what they need, from where each would be loaded, and nothing else", () => {
    expect(lockOf(lock, ["a"])).toEqual({
      packages: {
        "": { dependencies: { a: "1.2.3" } },
        "node_modules/a": { version: "1.2.3", dependencies: { b: "*", c: "*" } },
        "node_modules/a/node_modules/b": { version: "2.0.0", dependencies: { c: "*" } },
        "node_modules/b": { version: "1.0.0" },
        "node_modules/c": { version: "3.0.0", optionalDependencies: { b: "*", gone: "*" } },
      },
    });
  });

  test("ends where packages need each other", () => {
    const round = {
      packages: {
        "node_modules/a": { version: "1.0.0", dependencies: { b: "*" } },
        "node_modules/b": { version: "1.0.0", dependencies: { a: "*" } },
      },
    };
    expect(lockOf(round, ["a"])).toMatchObject({ packages: round.packages });
  });

  test("names what is not installed", () => {
    expect(lockOf(lock, ["a", "ghost"])).toContain('"ghost" is not in package-lock.json');
  });
});

describe("a function's size", () => {
  const MiB = 1_048_576;

  test("may be what Lambda takes, unzipped and zipped", () => {
    expect(sizeFaults("draws", 250 * MiB, 50 * MiB)).toEqual([]);
  });

  test("over either is refused with the remedy", () => {
    expect(sizeFaults("draws", 250 * MiB + 1, 50 * MiB + 1)).toEqual([
      expect.stringContaining("unzipped it has 251 MB, over a function's 250; place it on"),
      expect.stringContaining("its zip has 51 MB, over a function's 50"),
    ]);
  });
});

describe("a package that brings what is built for every platform", () => {
  test.each([
    ["node_modules/a/bin/napi-v6/linux/arm64/lib.so.1", false],
    ["node_modules/a/bin/napi-v6/linux/x64/lib.so.1", true],
    ["node_modules/a/bin/napi-v6/darwin/arm64/lib.dylib", true],
    ["node_modules/a/prebuilds/linux-arm64/node.napi.node", false],
    ["node_modules/a/prebuilds/win32-arm64/node.napi.node", true],
    ["node_modules/@a/b-linux-x64/index.js", false],
    ["node_modules/a/linux/notes.md", false],
    ["node_modules/a/lib/linux-x64.js", true],
  ])("%s is left out for linux-arm64: %s", (path, foreign) => {
    expect(isForeign(path, arm)).toBe(foreign);
  });
});
