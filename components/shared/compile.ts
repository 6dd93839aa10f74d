import { relative, resolve } from "node:path";
import { type BuildFailure, build, type Metafile, type Plugin } from "esbuild";
import { refuse } from "./faults.ts";

/** What esbuild is told. */
export const settings = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minify: true,
  // ES modules where packages have them: the largest lever on size (client-s3: a third).
  mainFields: ["module", "main"] as string[],
  metafile: true,
  write: false,
  logLevel: "silent",
} as const satisfies Parameters<typeof build>[0];

/** Packages of CommonJS may call `require` for Node's own modules, which ES modules lack. */
const requireBanner = Buffer.from(
  'import{createRequire as $require}from"node:module";const require=$require(import.meta.url);\n',
);
const dynamicRequire = 'Dynamic require of "';

/** A module, and the files from the project that it was made of. */
export interface Compiled {
  readonly code: Uint8Array;
  readonly inputs: readonly string[];
}

/**
 * One build with an entry point each: what bundles share is read and parsed once.
 * @param entries source text by name
 * @param external packages that are left as imports
 */
export async function compile(
  entries: Readonly<Record<string, string>>,
  root: string,
  external: readonly string[] = [],
): Promise<Readonly<Record<string, Compiled>>> {
  const names = Object.keys(entries);
  if (names.length === 0) return {};
  const prefix = "spillway:";
  const plugin: Plugin = {
    name: "entries",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^spillway:/ }, ({ path }) => ({
        path: path.slice(prefix.length),
        namespace: "spillway",
      }));
      onLoad({ filter: /./, namespace: "spillway" }, ({ path }) => ({
        contents: entries[path] ?? "",
        resolveDir: resolve(root),
        loader: "ts",
      }));
    },
  };
  const folder = resolve(root);
  const { outputFiles, metafile } = await build({
    ...settings,
    external: [...external],
    entryPoints: Object.fromEntries(names.map((name) => [name, prefix + name])),
    outdir: folder,
    absWorkingDir: folder,
    plugins: [plugin],
  }).catch((error: BuildFailure) => {
    const faults = error.errors?.map(({ text, location }) =>
      location ? `${location.file}:${location.line}: ${text}` : text,
    );
    refuse("bundleFunctions", names.join(", "), faults ?? [String(error)]);
    throw error;
  });
  const outputs = new Map(outputFiles.map((file) => [relative(folder, file.path), file.contents]));
  return Object.fromEntries(
    names.map((name) => {
      const code = outputs.get(`${name}.js`) as Uint8Array;
      const inputs = reachable(metafile, prefix + name).filter((file) => !file.startsWith(prefix));
      const needsRequire = Buffer.from(code).includes(dynamicRequire);
      return [name, { code: needsRequire ? Buffer.concat([requireBanner, code]) : code, inputs }];
    }),
  );
}

/** All files that were read for an entry, also those of which nothing is left in the bundle. */
function reachable({ inputs }: Metafile, entry: string): string[] {
  const seen = new Set([entry]);
  for (const file of seen)
    for (const { path, external } of inputs[file]?.imports ?? []) if (!external) seen.add(path);
  return [...seen].sort();
}
