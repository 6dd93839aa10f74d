import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";
import { type Artefact, sha256 } from "./bundle-cache.ts";
import { type BundleOptions, bundleContainers } from "./bundling.ts";

/** What an image is built from. */
export interface ImageSource {
  /**
   * Folder that `docker build` takes, its Dockerfile in it: relative to the project, so that what is
   * built is the same from whatever folder it is deployed.
   */
  readonly context: string;
  /** What it is built for. */
  readonly platform: "linux/arm64" | "linux/amd64";
  /** Of all of it: the same content has the same tag. */
  readonly tag: string;
}

const inContainer = (file: string) => fileURLToPath(new URL(`container/${file}`, import.meta.url));

/** The one Dockerfile of all workloads on containers without a GPU. */
export const dockerfile = inContainer("Dockerfile");
/** That of all workloads with one. */
export const gpuDockerfile = inContainer("Dockerfile.gpu");

/** GPUs are on x86: what is built for which. */
const builds = {
  plain: { dockerfile, platform: "linux/arm64", cpu: "arm64", outDir: ".spillway/containers" },
  gpu: {
    dockerfile: gpuDockerfile,
    platform: "linux/amd64",
    cpu: "x64",
    outDir: ".spillway/gpu-containers",
  },
} as const;

/** How a context is laid out. Another number, and none that is there is taken for one of this kind. */
const layout = 2;

/** The file of a workload's program in the image, from its working folder. */
const programOf = (workload: string): string => `workloads/${workload}/index.mjs`;

/** What a workload's container runs: arguments of `node`, which the image starts. */
export const commandOf = (workload: string): readonly string[] => [programOf(workload)];

/**
 * Bundles workloads for containers, and lays them out as the image has them: a folder each, with the
 * packages that travel as files. What has not changed gives the same tag. Workloads with a GPU and
 * those without are images of their own, built for different machines.
 * @param options.gpu whether these are the workloads with a GPU. Default: no
 * @returns `undefined` where there is no workload
 * @throws {Error} as `bundleFunctions`
 * @example
 * const source = await imageSource({ system, workloads: ["reportJob"] });
 */
export async function imageSource(
  options: Omit<BundleOptions, "platform"> & {
    readonly workloads: readonly string[];
    readonly gpu?: boolean;
  },
): Promise<ImageSource | undefined> {
  if (options.workloads.length === 0) return undefined;
  const { dockerfile, platform, cpu, ...build } = builds[options.gpu ? "gpu" : "plain"];
  const { outDir = build.outDir } = options;
  const artefacts = await bundleContainers({ ...options, outDir, platform: { os: "linux", cpu } });
  const sums = Object.entries(artefacts).map(([name, { sha256: sum }]) => `${name} ${sum}`);
  const instructions = readFileSync(dockerfile, "utf8");
  const tag = sha256([layout, instructions, ...sums.sort()].join("\n")).slice(0, 32);
  const context = join(outDir, "context");
  await layOut(context, tag, instructions, artefacts);
  return { context, platform, tag };
}

/** Puts programs where the image has them; what is there by the same tag stays. */
async function layOut(
  context: string,
  tag: string,
  instructions: string,
  artefacts: Readonly<Record<string, Artefact>>,
): Promise<void> {
  // Outside, for it is no part of the image. It is there only while the whole context is.
  const vouching = `${context}.tag`;
  if (existsSync(context) && (await readFile(vouching, "utf8").catch(() => "")) === tag) return;
  await rm(vouching, { force: true });
  const fresh = `${context}-${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  await writeFile(join(fresh, "Dockerfile"), instructions);
  for (const [name, { archive }] of Object.entries(artefacts))
    for (const [path, content] of Object.entries(unzipSync(await readFile(archive)))) {
      const file = join(fresh, dirname(programOf(name)), path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
  await letAllRead(fresh);
  await rm(context, { recursive: true, force: true });
  await rename(fresh, context);
  await writeFile(vouching, tag);
}

/** The image keeps modes, and runs as a user who owns nothing: whoever deploys, with whatever umask. */
async function letAllRead(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}
