import { readFileSync } from "node:fs";
import path from "node:path";
import { buildSync } from "esbuild";
import { type System, usesOf } from "../../spec/index.ts";

const root = path.resolve(import.meta.dirname, "../..");
const adapterOf: Readonly<Record<string, string>> = {
  table: "table",
  objectStore: "object-store",
  queue: "queue",
  secret: "secrets",
  identity: "identity",
};

/** The names that a workload's adapters import from cloud SDKs, by package. */
function clientsOf(system: System, workload: string): ReadonlyMap<string, ReadonlySet<string>> {
  const clients = new Map<string, Set<string>>();
  for (const { kind } of usesOf(system, workload)) {
    const adapter = adapterOf[kind];
    if (adapter === undefined) continue;
    const source = readFileSync(path.join(root, `runtime/adapters/aws/${adapter}.ts`), "utf8");
    const imports = /import\s*(type\s*)?\{([^}]*)\}\s*from\s*"(@aws-sdk\/[^"]+)"/g;
    for (const [, isType, names = "", from = ""] of source.matchAll(imports)) {
      if (isType) continue;
      const values = names.split(",").map((name) => name.trim());
      const known = clients.get(from) ?? new Set();
      for (const name of values) if (name && !name.startsWith("type ")) known.add(name);
      clients.set(from, known);
    }
  }
  return clients;
}

/** Builds a function that does nothing but load the same clients, with the same esbuild options. */
export function buildBare(system: System, workload: string, outfile: string): void {
  const lines = [...clientsOf(system, workload)].flatMap(([from, names], index) => [
    `import { ${[...names].map((name) => `${name} as c${index}_${name}`).join(", ")} } from "${from}";`,
    `globalThis.bare${index} = [${[...names].map((name) => `c${index}_${name}`).join(", ")}];`,
  ]);
  buildSync({
    stdin: {
      contents: [...lines, "export const handler = async () => ({ statusCode: 200 });"].join("\n"),
      resolveDir: root,
      loader: "ts",
    },
    ...bareOptions,
    outfile,
  });
}

/** esbuild by itself, as the functions' bundles are made. */
export const bareOptions = {
  bundle: true,
  minify: true,
  format: "esm" as const,
  platform: "node" as const,
  target: "node24",
  mainFields: ["module", "main"] as string[],
  logLevel: "error" as const,
  banner: {
    js: 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);',
  },
};
