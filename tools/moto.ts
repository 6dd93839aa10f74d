import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pythonVenv } from "./python.ts";

/** The AWS emulator of the contract tests (PyPI, 2026-11). */
export const motoVersion = "5.2.5";

const server = new URL("./moto-server.py", import.meta.url);

export interface Moto {
  /** For AWS_ENDPOINT_URL; all services, on loopback. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Makes the emulator's Python environment where it is not there yet; answers its bin folder. */
export const motoVenv = (): Promise<string> =>
  pythonVenv(`moto-${motoVersion}`, [`moto[server]==${motoVersion}`]);

/**
 * Starts a moto server of its own, empty, on a free port.
 * @throws Error where Python is missing (with the remedy), or when it is not up within 60 s
 */
export async function startMoto(): Promise<Moto> {
  const programs = await motoVenv();
  const child = spawn(join(programs, "python"), [fileURLToPath(server)], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill();
    await ended;
  };
  try {
    return { url: await address(child, 60_000), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function address(child: ChildProcess, withinMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = "";
    const fail = (what: string) =>
      reject(new Error(`moto "${motoVersion}": ${what}; its log: ${log.slice(-2000)}`));
    const timer = setTimeout(() => fail(`not up within ${withinMs} ms`), withinMs);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`ended with code ${code}`));
    // Read to the end of its life: a full pipe would stop it.
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-10_000);
      const url = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(log)?.[1];
      if (!url) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}
