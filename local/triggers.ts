import type { Pool } from "pg";
import type { Boss } from "../runtime/adapters/local/boss.ts";
import { changesReader } from "../runtime/adapters/local/changes.ts";
import { queueConsumer } from "../runtime/adapters/local/queue.ts";
import { deadLettersInto } from "../runtime/adapters/local/reader-admin.ts";
import { startSchedulerClock } from "../runtime/adapters/local/scheduler.ts";
import { streamReader } from "../runtime/adapters/local/stream-reader.ts";
import { startConsumer } from "../runtime/entries/ecs/consumer.ts";
import type { Trouble } from "../runtime/entries/outcome.ts";
import { queueOptions, type Stream, type System, type Workload } from "../spec/index.ts";
import { consumingOf, drainSeconds } from "./consuming.ts";
import { intoQueue, type Schedules, startSchedules } from "./schedules.ts";
import type { WorkflowSource } from "./state.ts";
import { startWorkflowRunner, type WorkflowRunner } from "./workflow-runner.ts";
import type { Loaded, QueueSource, Running } from "./workloads.ts";

/** What was not done, in a word, and why. */
export interface LocalTrouble {
  readonly what: Trouble["outcome"] | "step";
  readonly error: unknown;
}

export interface TriggerOptions {
  readonly system: System;
  readonly loaded: ReadonlyMap<string, Loaded>;
  readonly boss: Boss;
  readonly pool: Pool;
  /** Told in a few words of what was not done. */
  readonly onTrouble: (workload: string, trouble: LocalTrouble) => void;
}

export interface Triggers {
  readonly schedules: Schedules;
  readonly workflows: ReadonlyMap<string, WorkflowRunner>;
  /** Nothing new is begun; returns when what was begun has ended, or was given back. */
  stop(): Promise<void>;
}

/** Starts what brings events to workloads: consumers, readers, schedules and workflows. */
export async function startTriggers(options: TriggerOptions): Promise<Triggers> {
  const { loaded, pool, onTrouble } = options;
  const running = [...loaded].flatMap(([name, one]) =>
    one.status === "running" ? [{ name, run: one.run }] : [],
  );
  const workflows = new Map<string, WorkflowRunner>();
  const started: { stop(): Promise<unknown> }[] = [];
  const stop = async () => {
    await Promise.all(started.map((one) => one.stop()));
  };
  try {
    const schedules = await startSchedules({
      schedules: running.flatMap(({ name, run }) => scheduleOf(options, name, run)),
      pool,
      onTrouble: (name, error) => onTrouble(name, { what: "receive", error }),
    });
    started.push(schedules, ...startClocks(options));
    for (const { name, run } of running) {
      const one = startOne(options, name, run);
      if (!one) continue;
      started.push(one);
      if (run.kind === "workflow") workflows.set(name, one as WorkflowRunner);
    }
    return { schedules, workflows, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a schedule of the declaration is, and how its runs reach the workload's queue. */
function scheduleOf({ system, boss }: TriggerOptions, name: string, run: Running) {
  const workload = system.workloads[name] as Workload;
  if (workload.kind !== "onSchedule" || !("source" in run) || !run.source) return [];
  const { queue, options } = run.source as QueueSource;
  const { cron, timeZone = "UTC" } = workload;
  return [{ workload: name, cron, timeZone, send: intoQueue(boss, queue, options) }];
}

/** The clocks of the system's schedulers. */
const startClocks = ({ system, boss, onTrouble }: TriggerOptions) =>
  Object.entries(system.services).flatMap(([name, service]) => {
    if (service.kind !== "scheduler") return [];
    const { queue } = service;
    const options = queueOptions(system, queue);
    const told = (error: unknown) => onTrouble(name, { what: "receive", error });
    return [startSchedulerClock({ name, queue, boss, options, onTrouble: told })];
  });

function startOne(options: TriggerOptions, name: string, run: Running) {
  const { system, boss, pool } = options;
  const onTrouble = ({ outcome, error }: Pick<Trouble, "outcome" | "error">) =>
    options.onTrouble(name, { what: outcome, error });
  const setAside = deadLettersInto({ workload: name, boss });
  switch (run.kind) {
    case "queue":
      return startConsumer({
        ...consumingOf(system, name, run.source),
        consumer: queueConsumer({ name: run.source.queue, boss, options: run.source.options }),
        handler: run.handler,
        onTrouble,
      });
    case "stream": {
      const { stream, batch } = run.source;
      const { retentionHours } = system.channels[stream] as Stream;
      return streamReader({
        name: stream,
        consumer: name,
        pool,
        handler: run.handler,
        batch,
        retentionHours,
        setAside,
        onTrouble,
        news: boss.news,
      });
    }
    case "changes": {
      const { table, batch } = run.source;
      return changesReader({
        table,
        consumer: name,
        pool,
        handler: run.handler,
        batch,
        setAside,
        onTrouble,
      });
    }
    case "workflow":
      return startWorkflowRunner({
        name,
        workflow: run.workflow,
        steps: run.steps,
        pool,
        graceMs: drainSeconds * 1000,
        onTrouble: ({ error }) => options.onTrouble(name, { what: "step", error }),
      });
    default:
      return undefined;
  }
}

/** A workflow as the dashboard shows and starts it. */
export const workflowSource = (
  { executions }: WorkflowRunner,
  declaration: WorkflowSource["declaration"],
  start: WorkflowSource["start"],
): WorkflowSource => ({ declaration, start, executions });
