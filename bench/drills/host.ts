import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";

const root = path.resolve(import.meta.dirname, "../..");

/** A start that takes longer has failed, in milliseconds: the database may have a log to replay. */
const patienceMs = 180_000;

/** A host that can be killed and comes again at the same address, with the same data. */
export interface Host {
  readonly url: string;
  /** Its data folder. */
  readonly folder: string;
  /** Starts it. Resolves when it says that it is ready, or is killed before. */
  start(): Promise<void>;
  /** SIGKILL to its process and nothing else. Returns when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM. @returns its exit code */
  stop(): Promise<number | null>;
}

/**
 * `spillway start` of this project.
 * @param folder for its data, and for what it writes to standard error: `host.log`
 */
export async function hostOf(folder: string, env: Readonly<Record<string, string>>): Promise<Host> {
  const port = await freePort();
  const log = createWriteStream(path.join(folder, "host.log"), { flags: "a" });
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return null;
    const gone = once(child, "exit");
    child.kill(signal);
    const [code] = await gone;
    return code as number | null;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    folder,
    async start() {
      const started = spawn(process.execPath, [path.join(root, "cli/spillway.mjs"), "start"], {
        cwd: root,
        env: {
          ...process.env,
          DATABASE_URL: "",
          ...env,
          PORT: `${port}`,
          SPILLWAY_DATA: path.join(folder, "data"),
          SPILLWAY_STACK: "dev",
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      child = started;
      started.stderr.pipe(log, { end: false });
      const late = setTimeout(() => started.kill("SIGQUIT"), patienceMs);
      started.once("exit", () => clearTimeout(late));
      for await (const line of createInterface(started.stdout))
        if (line.startsWith("ready ")) return clearTimeout(late);
      if (started.exitCode === null && started.signalCode === null) await once(started, "exit");
      if (started.signalCode !== "SIGKILL")
        throw new Error(`drill: the host did not start; see ${path.join(folder, "host.log")}`);
    },
    async kill() {
      await end("SIGKILL");
    },
    stop: () => end("SIGTERM"),
  };
}

/** One that is free now, and is kept over all starts: clients and tokens know the address. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, "127.0.0.1", done));
  const { port } = probe.address() as { port: number };
  await new Promise((done) => probe.close(done));
  return port;
}
