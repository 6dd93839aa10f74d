import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Stand } from "./container.ts";

/** Containers side by side. */
export interface Fleet {
  readonly ports: readonly number[];
  /** What all of them tell together. */
  stand(): Promise<FleetStand>;
  stop(): Promise<void>;
}
export interface FleetStand extends Omit<Stand, "admission"> {
  readonly admitted: number;
  readonly spilled: number;
  readonly refused: number;
}

/** @param module the function's bundle, for containers that spill */
export async function startFleet(
  replicas: number,
  ceiling: number,
  databaseUrl: string,
  module?: string,
): Promise<Fleet> {
  const children = Array.from({ length: replicas }, () =>
    fork(
      path.join(import.meta.dirname, "container.ts"),
      [`${ceiling}`, ...(module ? [module] : [])],
      {
        env: { ...process.env, DATABASE_URL: databaseUrl },
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      },
    ),
  );
  const ports = await Promise.all(children.map((child) => told<number>(child)));
  return {
    ports,
    async stand() {
      const stands = await Promise.all(
        children.map((child) => {
          child.send("stand");
          return told<Stand>(child);
        }),
      );
      const sum = (of: (stand: Stand) => number) =>
        stands.reduce((total, stand) => total + of(stand), 0);
      return {
        admitted: sum(({ admission }) => admission.admitted),
        spilled: sum(({ admission }) => admission.spilled),
        refused: sum(({ admission }) => admission.refused),
        cpuMs: sum(({ cpuMs }) => cpuMs),
        calledMs: sum(({ calledMs }) => calledMs),
        coldStarts: sum(({ coldStarts }) => coldStarts),
      };
    },
    async stop() {
      await Promise.all(
        children.map(async (child) => {
          const gone = once(child, "exit");
          if (child.exitCode === null && child.kill("SIGTERM")) await gone;
        }),
      );
    },
  };
}

async function told<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, "exit").then(() => {
    throw new Error("bench: a container ended by itself");
  });
  const [message] = (await Promise.race([once(child, "message"), ended])) as [T];
  return message;
}

/** What came between two moments. */
export const between = (before: FleetStand, after: FleetStand): FleetStand =>
  Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - before[name as keyof FleetStand]]),
  ) as unknown as FleetStand;
