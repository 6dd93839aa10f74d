import { defineSystem, type Load, type Workload } from "../../spec/index.ts";

/** A sound, small load; parts may be changed. */
export const load = (parts: Partial<Load> = {}): Load => ({
  perDay: 100,
  shape: "steady",
  ms: { p50: 10, p99: 50 },
  memoryMb: 256,
  ...parts,
});

/** What is wrong with a declaration that the type check may have refused already: one a line. */
export function faultsIn(declaration: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    defineSystem({ name: "shop", workloads: {}, ...declaration } as never);
    return [];
  } catch (error) {
    return (error as Error).message
      .split("\n")
      .slice(1)
      .map((line) => line.replace(/^ {2}- /, ""));
  }
}

/** What is wrong with one workload, `w`, in a system that has one of each resource. */
export const faultsOfWorkload = (workload: unknown): readonly string[] =>
  faultsIn({ ...resources, workloads: { w: workload as Workload } });

export const resources = {
  stores: {
    catalog: { kind: "table", changes: true },
    plain: { kind: "table", changes: false },
    media: { kind: "objectStore", folders: {} },
  },
  channels: {
    inbox: { kind: "queue", maxReceives: 5, visibilitySeconds: 30, maxBytes: 1024 },
    events: { kind: "topic" },
    clicks: { kind: "stream", retentionHours: 24 },
    facts: { kind: "bus" },
  },
  services: {
    identity: { kind: "identity", passwordMinLength: 12, accessMinutes: 60, refreshDays: 30 },
  },
  secrets: ["stripe"],
};
