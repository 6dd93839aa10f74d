import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { bundleFunctions } from "../../components/shared/bundling.ts";
import { system } from "../../system.ts";
import { root } from "../repo/sources.ts";

/** Where functions run, and where the tests do: native packages differ. */
const host = { os: process.platform, cpu: process.arch };
const isHost = host.os === "linux" && host.cpu === "arm64";

/**
 * Unpacks what would be uploaded for a workload, as Lambda does. Where it holds native packages
 * of another platform, those of this machine stand in for them; the module itself is the same.
 * @param archive of the graph
 * @param folder to unpack into
 */
export async function unpack(archive: string, workload: string, folder: string): Promise<void> {
  const deployed = unzipSync(await readFile(join(root, archive)));
  // What migrates a database is a function, and no workload.
  const { packages = [] } = { ...system.workloads[workload as "thumbnails"] };
  const files = packages.length === 0 || isHost ? deployed : await forHost(workload, deployed);
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

async function forHost(workload: string, deployed: Readonly<Record<string, Uint8Array>>) {
  const artefacts = await bundleFunctions({
    system,
    root,
    workloads: [workload],
    outDir: join(root, ".spillway/bundles", `${host.os}-${host.cpu}`),
    platform: host,
  });
  const own = unzipSync(await readFile(artefacts[workload]?.archive ?? ""));
  const module = "index.mjs";
  if (!Buffer.from(own[module] ?? []).equals(deployed[module] ?? Buffer.alloc(0)))
    throw new Error(`bundle "${workload}": its module differs between platforms`);
  return own;
}
