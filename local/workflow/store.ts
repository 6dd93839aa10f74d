import type { Pool } from "pg";
import type { JsonObject } from "../../runtime/ports/index.ts";
import { type Failure, longestDelaySeconds, type TryEnd } from "../../spec/index.ts";

/** An execution that this process is to carry on. */
export interface Claimed {
  readonly id: string;
  readonly input: JsonObject;
  readonly history: readonly TryEnd[];
  /** How often its next try was begun, this time included, without an end being noted. */
  readonly begun: number;
}

/** An execution as it is stored. */
export interface Stored {
  readonly id: string;
  readonly input: JsonObject;
  readonly status: "running" | "done" | "compensated" | "stuck";
  readonly history: readonly TryEnd[];
  readonly failed: Failure | null;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly wakeAt: Date;
}

/** What is stored of one workflow's executions, and who has them. */
export interface ExecutionStore {
  /** Takes up to `max` executions whose time has come and that nobody has, but for these. */
  claim(owner: string, max: number, but: readonly string[]): Promise<readonly Claimed[]>;
  /** Frees what processes had that have ended since. */
  freeAbandoned(): Promise<void>;
  /**
   * Notes the tries so far.
   * @param restMs for which nobody has it then; `undefined`: its owner goes on with the next try
   * @returns false where it is another's by now: nothing was noted
   */
  note(
    owner: string,
    id: string,
    history: readonly TryEnd[],
    restMs: number | undefined,
  ): Promise<boolean>;
  /** Notes the last tries and how it ended. Answers as `note`. */
  end(
    owner: string,
    id: string,
    history: readonly TryEnd[],
    ending: { readonly status: Stored["status"]; readonly failed: Failure | undefined },
  ): Promise<boolean>;
  /** Leaves these to whoever takes them. */
  leave(owner: string, ids: readonly string[]): Promise<void>;
  /** Removes what ended 90 days ago and longer: their ids may be used again. */
  forget(): Promise<void>;
  /** Newest first. */
  newest(limit: number): Promise<readonly Stored[]>;
}

/** How long Step Functions keeps what has ended (Developer Guide, "Quotas", read 2026-11). */
const retention = "interval '90 days'";

/** No wait is longer: what seems to be, was noted before the clock was set back. */
const beyond = `interval '${longestDelaySeconds + 1} seconds'`;

export function executionStore(pool: Pool, workflow: string): ExecutionStore {
  const changed = async (sql: string, values: readonly unknown[]) =>
    (await pool.query(sql, [workflow, ...values])).rowCount === 1;
  return {
    async claim(owner, max, but) {
      const { rows } = await pool.query<Claimed>(
        `update spillway.executions one set owner = $2, begun = begun + 1
         from (select id from spillway.executions
               where workflow = $1 and status = 'running' and owner is null
                 and (wake_at <= now() or wake_at > now() + ${beyond}) and id <> all($4::text[])
               order by wake_at limit $3 for update skip locked) due
         where one.workflow = $1 and one.id = due.id
         returning one.id, one.input, one.history, one.begun`,
        [workflow, owner, max, but],
      );
      return rows;
    },

    async freeAbandoned() {
      await pool.query(
        `update spillway.executions one set owner = null
         where workflow = $1 and status = 'running' and owner is not null and not exists (
           select from pg_locks
           where locktype = 'advisory' and objsubid = 1 and granted
             and database = (select oid from pg_database where datname = current_database())
             and ((classid::bigint << 32) | objid::bigint) = one.owner)`,
        [workflow],
      );
    },

    note: (owner, id, history, restMs) =>
      changed(
        `update spillway.executions set history = $4,
           owner = case when $5::float8 is null then owner end,
           begun = case when $5::float8 is null then 1 else 0 end,
           wake_at = clock_timestamp() + coalesce($5::float8, 0) * interval '1 millisecond'
         where workflow = $1 and id = $2 and owner = $3 and status = 'running'`,
        [id, owner, JSON.stringify(history), restMs],
      ),

    end: (owner, id, history, { status, failed }) =>
      changed(
        `update spillway.executions set history = $4, status = $5, failed = $6,
           ended_at = clock_timestamp(), owner = null
         where workflow = $1 and id = $2 and owner = $3 and status = 'running'`,
        [id, owner, JSON.stringify(history), status, failed && JSON.stringify(failed)],
      ),

    async leave(owner, ids) {
      await pool.query(
        `update spillway.executions set owner = null
         where workflow = $1 and owner = $2 and id = any($3::text[]) and status = 'running'`,
        [workflow, owner, ids],
      );
    },

    async forget() {
      await pool.query(
        `delete from spillway.executions
         where workflow = $1 and status <> 'running' and ended_at < now() - ${retention}`,
        [workflow],
      );
    },

    async newest(limit) {
      const { rows } = await pool.query<Stored>(
        `select id, input, status, history, failed, started_at as "startedAt",
           ended_at as "endedAt", wake_at as "wakeAt"
         from spillway.executions where workflow = $1 order by started_at desc, id limit $2`,
        [workflow, limit],
      );
      return rows;
    },
  };
}
