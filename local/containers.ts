import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What a process of a workload needs to find its host's world. */
export interface ContainerSettings {
  readonly root: string;
  readonly dataFolder: string;
  /** Of the host's database, with the password: handed on by the environment, not as an argument. */
  readonly databaseUrl: string;
  readonly url: string;
}

/** How long a process may take to end after SIGTERM, in milliseconds: its drain, and a little. */
const patienceMs = 15_000;
const longestPauseMs = 30_000;

/**
 * Runs a workload in a process of its own, as a container would: started again where it ends by
 * itself, ended with its host.
 * @param onTrouble told why it ended by itself
 */
export function startContainer(
  workload: string,
  settings: ContainerSettings,
  onTrouble: (error: Error) => void,
): { stop(): Promise<void> } {
  let stopping = false;
  let child: ChildProcess | undefined;
  const pause = new AbortController();

  const run = async () => {
    for (let failures = 0; !stopping; failures++) {
      const began = performance.now();
      child = launch(workload, settings);
      const [code, signal] = await once(child, "exit");
      if (stopping) return;
      onTrouble(new Error(`its process ended with ${signal ?? code}; it is started again`));
      if (performance.now() - began > longestPauseMs) failures = 0;
      const pauseMs = Math.min(1000 * 2 ** failures, longestPauseMs);
      await sleep(pauseMs, undefined, { signal: pause.signal }).catch(() => {});
    }
  };
  const ended = run();
  return {
    async stop() {
      stopping = true;
      pause.abort();
      child?.kill("SIGTERM");
      const timer = setTimeout(() => child?.kill("SIGKILL"), patienceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

function launch(workload: string, settings: ContainerSettings): ChildProcess {
  const program = path.join(import.meta.dirname, "container.ts");
  return spawn(process.execPath, [program, workload], {
    cwd: settings.root,
    env: {
      ...process.env,
      DATABASE_URL: settings.databaseUrl,
      SPILLWAY_DATA: settings.dataFolder,
      SPILLWAY_URL: settings.url,
    },
    // The channel closes when the host is gone, however it went.
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}
