import { EventEmitter } from "node:events";
import { isDeepStrictEqual } from "node:util";
import type { Pool } from "pg";
import type { Execution, Workflow } from "../../ports/index.ts";
import { checkExecutionId, executionInput } from "../executions.ts";
import { faultsOf } from "../faults.ts";
import { coalesce } from "./coalesce.ts";
import { guarded } from "./postgres-faults.ts";

const emitters = new WeakMap<Pool, EventEmitter>();

/** Says, by the workflow's name, that executions were started on this pool. */
export function startsOn(pool: Pool): EventEmitter {
  const known = emitters.get(pool);
  if (known) return known;
  const made = new EventEmitter().setMaxListeners(0);
  emitters.set(pool, made);
  return made;
}

interface Started {
  readonly id: string;
  readonly input: string;
  inserted: boolean;
}

/**
 * Executions in Postgres; `startWorkflowRunner` runs them. Starts at the same time share a
 * statement; each is answered once stored.
 * @param options.name of the workflow
 */
export function workflow(options: { readonly name: string; readonly pool: Pool }): Workflow {
  const { name, pool } = options;
  const fault = faultsOf("workflow", name);

  const store = coalesce(async (starts: readonly Started[]) => {
    // One of each id, in one order: two processes that start the same ones do not block each other.
    const first = new Map(starts.toReversed().map((start) => [start.id, start]));
    const ids = [...first.keys()].sort();
    const { rows } = await pool.query<{ id: string }>(
      `insert into spillway.executions (workflow, id, input)
       select $1, id, input::json from unnest($2::text[], $3::text[]) as given (id, input)
       on conflict do nothing returning id`,
      [name, ids, ids.map((id) => first.get(id)?.input)],
    );
    for (const { id } of rows) {
      const start = first.get(id);
      if (start) start.inserted = true;
    }
    if (rows.length > 0) startsOn(pool).emit(name);
  });

  return {
    async start(id, input) {
      checkExecutionId(fault, id);
      const text = executionInput(fault, input);
      const start: Started = { id, input: text, inserted: false };
      await guarded(fault, () => store(start, Buffer.byteLength(text)));
      if (start.inserted) return { started: true };
      const known = await guarded(fault, () =>
        pool.query<{ input: unknown }>(
          "select input from spillway.executions where workflow = $1 and id = $2",
          [name, id],
        ),
      );
      if (!isDeepStrictEqual(known.rows[0]?.input, JSON.parse(text)))
        throw fault("conflict", `execution "${id}" was started with another input; use another id`);
      return { started: false };
    },

    async status(id) {
      checkExecutionId(fault, id);
      const { rows } = await guarded(fault, () =>
        pool.query<Row>(
          `select id, status, started_at as "startedAt", ended_at as "endedAt", failed
           from spillway.executions where workflow = $1 and id = $2`,
          [name, id],
        ),
      );
      const [row] = rows;
      if (!row) return undefined;
      const { status, startedAt, endedAt, failed } = row;
      // What has failed is told at the end, as everywhere: until then it is running.
      return {
        id,
        status,
        startedAt,
        ...(endedAt && { endedAt }),
        ...(endedAt && failed && { failed }),
      };
    },
  };
}

interface Row {
  readonly id: string;
  readonly status: Execution["status"];
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly failed: Execution["failed"] | null;
}
