import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A server in a process of its own. */
export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts Node with a script, and waits for its line `ready <url>`. */
export async function serverOf(file: string, ...args: string[]): Promise<Server> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) {
    if (!line.startsWith("ready ")) continue;
    return {
      url: line.slice("ready ".length),
      async stop() {
        const gone = once(child, "exit");
        child.kill("SIGTERM");
        await gone;
      },
    };
  }
  throw new Error(`bench: ${file} ended before it was ready`);
}
