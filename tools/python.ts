import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const probe = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
let found: string | undefined;

/** The Python (3.10 or newer, with venv) on this machine, or `undefined`. */
export function findPython(): string | undefined {
  found ??= ["python3", "python"].find(
    (command) => spawnSync(command, ["-c", probe], { stdio: "ignore" }).status === 0,
  );
  return found;
}

/** What to tell a person whose machine has no fit Python. */
export const pythonRemedy = "install Python 3.10 or newer with venv (Debian: python3-venv)";

/** The user's cache folder of this project: under XDG_CACHE_HOME, else ~/.cache. */
export const cacheFolder = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "spillway");

/**
 * A virtual environment with these requirements, made once for a user and found again after.
 * Several processes may ask at once: each builds its own, one is kept.
 * @param name names its folder, so it carries the version: "moto-5.2.5"
 * @param requirements as pip takes them, pinned: "moto[server]==5.2.5"
 * @returns its folder of programs
 * @throws Error where there is no Python, or where pip fails, with what pip said
 */
export async function pythonVenv(name: string, requirements: readonly string[]): Promise<string> {
  const link = join(cacheFolder(), name);
  const ready = () => realpath(link).then(programs, () => undefined);
  const known = await ready();
  if (known) return known;

  const python = findPython();
  if (!python) throw new Error(`python "${name}": no fit Python found; ${pythonRemedy}`);
  await mkdir(cacheFolder(), { recursive: true });
  // A venv knows its own path, so it is built where it stays and a link makes it the one.
  const folder = await mkdtemp(`${link}.`);
  try {
    await run(python, ["-m", "venv", folder]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    await run(join(programs(folder), "python"), [...pip, ...requirements]);
    await symlink(basename(folder), link, "dir");
    return programs(folder);
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return programs(await realpath(link));
    const said = String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    throw new Error(`python "${name}": ${said}; check the network and PyPI's index settings`, {
      cause,
    });
  }
}

const programs = (folder: string): string =>
  join(folder, process.platform === "win32" ? "Scripts" : "bin");
