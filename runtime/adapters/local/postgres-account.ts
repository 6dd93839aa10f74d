import { execFileSync, type SpawnOptions, spawnSync } from "node:child_process";

/** Who runs the server, and how a program is started as that user. */
export interface Account {
  /** Where it is not the user of this process. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** What to hand to `spawn`. */
  command(program: string, args: readonly string[]): [string, string[], SpawnOptions];
}

// Nothing of the caller's PG* variables or language may reach the server.
const env = { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C" };

/**
 * Postgres refuses to run as root. A normal user runs it as they are; root lends it the user
 * `postgres`, else `nobody`. Where that user cannot reach the paths (a project below /root), the
 * server gets the one capability to pass closed folders, through setpriv of util-linux.
 * @param paths that the server must reach
 * @throws {Error} with the remedy, where none of this works
 */
export function serverAccount(...paths: string[]): Account {
  if (process.getuid?.() !== 0)
    return { command: (program, args) => [program, [...args], { env }] };
  const user = idsOf("postgres") ?? idsOf("nobody");
  if (!user)
    throw new Error(
      'Postgres "root": may not run it, and no user "postgres" or "nobody" is there; make one, run as a normal user, or set DATABASE_URL',
    );
  if (reaches(user, paths))
    return { user, command: (program, args) => [program, [...args], { env, ...user }] };
  const lend = [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
  ];
  if (spawnSync("setpriv", [...lend, "true"], { env }).status !== 0)
    throw new Error(
      `Postgres "root": its user ${user.uid} cannot reach ${paths.join(" or ")}; move the project to a folder that others may enter, run as a normal user, or set DATABASE_URL`,
    );
  return { user, command: (program, args) => ["setpriv", [...lend, program, ...args], { env }] };
}

function idsOf(name: string): { uid: number; gid: number } | undefined {
  const id = (flag: string) =>
    Number(execFileSync("id", [flag, name], { env, stdio: ["ignore", "pipe", "ignore"] }));
  try {
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return undefined;
  }
}

/** Whether the user may enter the folders above the paths (the paths themselves become theirs). */
const reaches = (user: { uid: number; gid: number }, paths: readonly string[]) =>
  spawnSync("/bin/sh", ["-c", 'for p; do [ -e "$p" ] || exit 1; done', "sh", ...paths], {
    env,
    ...user,
    cwd: "/",
  }).status === 0;
