import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Account } from "./postgres-account.ts";

/** A start may have to replay the log of a crash first, and a stop to write all it holds. */
const patienceMs = 120_000;
/** Starts until a fault is taken for a lasting one. */
const attempts = 6;
const statusFile = "postmaster.pid";

/** Where a server lives, and who runs it. */
export interface Place {
  readonly folder: string;
  /** Inside the folder: Postgres' own. */
  readonly data: string;
  readonly account: Account;
  readonly programs: { readonly initdb: string; readonly postgres: string };
}

export interface Server {
  readonly port: number;
  readonly process: ChildProcess;
  /** Stops the server when we are gone. */
  readonly watcher: ChildProcess;
}

export const clusterFault = (folder: string, text: string, cause?: unknown): Error =>
  new Error(`Postgres "${folder}": ${text}`, { cause });

/** Lines of postmaster.pid: process id, folder, start, port, sockets, address, memory, state. */
function status(data: string): string[] {
  try {
    return readFileSync(path.join(data, statusFile), "utf8").split("\n");
  } catch {
    return [];
  }
}

function isServerOf(pid: number, data: string): boolean {
  try {
    const command = existsSync("/proc/self/cmdline")
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8")
      : execFileSync("ps", ["-o", "command=", "-p", `${pid}`], { encoding: "utf8" });
    return command.includes(data);
  } catch {
    return false;
  }
}

/** The lock is ours, so a server that still runs here has lost its owner: it is stopped. */
export async function endLeftover({ folder, data }: Place, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (let asked = false; ; asked = true) {
    const pid = Number(status(data)[0]);
    if (!pid) return;
    if (!isServerOf(pid, data)) {
      // Nobody runs. The number may be another program's by now, and Postgres would shy from it.
      await rm(path.join(data, statusFile), { force: true });
      return;
    }
    if (!asked) interrupt(pid);
    if (Date.now() > deadline || signal?.aborted)
      throw clusterFault(folder, `its server ${pid} does not stop; stop it`);
    await wait(10);
  }
}

/**
 * Starts the server and waits until it takes connections.
 * @param options.port Default: any free one
 * @param options.signal gives up
 * @throws {Error} with the end of its log, where it does not
 */
export async function launch(
  place: Place,
  options: { readonly port?: number; readonly signal?: AbortSignal } = {},
): Promise<Server> {
  const isOver = () => Date.now() > deadline || options.signal?.aborted === true;
  const deadline = Date.now() + patienceMs;
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const process = await spawnServer(place, port);
    const server = { port, process, watcher: watch(place, process) };
    while (isUp(process) && !isOver()) {
      const lines = status(place.data);
      if (Number(lines[0]) === process.pid && lines[7]?.trim() === "ready") return server;
      await wait(5);
    }
    await endServer(server);
    // The port was taken meanwhile, or processes of a server that was killed linger for a moment.
    if (attempt === attempts || isOver()) {
      const why = (await lastLines(place.folder)) || "its program cannot be run";
      throw clusterFault(place.folder, `does not start (${why}); see its log`);
    }
    await wait(50 * attempt);
  }
}

const isUp = ({ pid, exitCode, signalCode }: ChildProcess) =>
  pid !== undefined && exitCode === null && signalCode === null;

async function spawnServer({ folder, data, account, programs }: Place, port: number) {
  const log = await open(path.join(folder, "log"), "w", 0o600);
  try {
    const settings = {
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      fsync: "on",
      full_page_writes: "on",
      synchronous_commit: "on",
      timezone: "UTC",
      // Replicas of workloads are processes with connections of their own.
      max_connections: "200",
    };
    const [program, args, options] = account.command(programs.postgres, [
      "-D",
      data,
      "-p",
      `${port}`,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ]);
    // Detached: Ctrl-C in a terminal is for us, who stop the server last.
    const server = spawn(program, args, {
      ...options,
      cwd: "/",
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    server.on("error", () => {});
    server.unref();
    return server;
  } finally {
    await log.close();
  }
}

/** A shell that outlives us: our end closes its input, and it tells the server to stop. */
function watch({ data, account }: Place, server: ChildProcess): ChildProcess {
  const script = 'read -r _; [ "$(head -n 1 "$1")" = "$2" ] && kill -INT "$2"';
  const [program, args, options] = account.command("/bin/sh", [
    "-c",
    script,
    "watch",
    path.join(data, statusFile),
    `${server.pid}`,
  ]);
  const watcher = spawn(program, args, {
    ...options,
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watcher.on("error", () => {});
  watcher.stdin?.on("error", () => {});
  watcher.unref();
  (watcher.stdin as Socket | null)?.unref();
  return watcher;
}

/** Fast shutdown: open transactions are rolled back, committed ones are on disk. */
export async function endServer({ process, watcher }: Server): Promise<void> {
  if (isUp(process)) {
    const gone = exitOf(process);
    process.ref();
    process.kill("SIGINT");
    // Postgres replays its log at the next start when it is cut off.
    const cutOff = setTimeout(() => process.kill("SIGQUIT"), 10_000);
    const killed = setTimeout(() => process.kill("SIGKILL"), 20_000);
    await gone;
    clearTimeout(cutOff);
    clearTimeout(killed);
  }
  watcher.stdin?.end();
}

/** The server may have gone by itself in this moment. */
function interrupt(pid: number): void {
  try {
    process.kill(pid, "SIGINT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

export const exitOf = (child: ChildProcess) =>
  new Promise<number | null>((done, failed) => {
    child.once("exit", done);
    child.once("error", failed);
  });

const freePort = () =>
  new Promise<number>((done, failed) => {
    const probe = createServer().once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => done(port));
    });
  });

export const lastLines = async (folder: string) =>
  (await readFile(path.join(folder, "log"), "utf8").catch(() => "no log"))
    .trim()
    .split("\n")
    .slice(-2)
    .join(" ");
