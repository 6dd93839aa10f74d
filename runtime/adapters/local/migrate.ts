import type { Pool } from "pg";
import { inTransaction } from "./transaction.ts";

/** Each step runs once, in order, in one transaction. Add steps at the end; never change one. */
const steps: readonly string[] = [
  `create table spillway.documents (
     tbl text collate "C" not null,
     pk text collate "C" not null,
     sk text collate "C" not null,
     -- json, not jsonb: it keeps the text as it came, with every digit and escape
     document json not null,
     stored_at timestamptz not null default clock_timestamp(),
     primary key (tbl, pk, sk)
   );
   create index documents_newest on spillway.documents (stored_at desc);

   create table spillway.effects (
     tbl text collate "C" not null,
     key text collate "C" not null,
     applied_at timestamptz not null default now(),
     primary key (tbl, key)
   );

   create table spillway.mails (
     id bigint generated always as identity primary key,
     mailer text not null,
     sender text not null,
     recipient text not null,
     subject text not null,
     body text not null,
     sent_at timestamptz not null default clock_timestamp()
   );

   create table spillway.signing_keys (
     identity text primary key,
     private_key json not null
   );

   create table spillway.users (
     id uuid primary key default gen_random_uuid(),
     identity text not null,
     email text collate "C" not null,
     password text not null,
     confirmed boolean not null default false,
     code_hash bytea,
     code_expires timestamptz,
     code_tries int not null default 0,
     created_at timestamptz not null default now(),
     unique (identity, email)
   );

   create table spillway.refresh_tokens (
     hash bytea primary key,
     user_id uuid not null references spillway.users on delete cascade,
     expires_at timestamptz not null
   );
   create index refresh_tokens_user on spillway.refresh_tokens (user_id);

   create table spillway.challenges (
     hash bytea primary key,
     user_id uuid not null references spillway.users on delete cascade,
     rounds json not null,
     expected json not null,
     expires_at timestamptz not null
   );

   create table spillway.attempts (
     key text primary key,
     count int not null,
     blocked_until timestamptz not null,
     last_at timestamptz not null
   );`,
  `create table spillway.schedules (
     workload text primary key,
     cron text not null,
     time_zone text not null,
     since timestamptz not null
   );
   create table spillway.schedule_runs (
     id bigint generated always as identity primary key,
     workload text not null,
     scheduled_at timestamptz not null,
     manual boolean not null,
     unique (workload, scheduled_at)
   );`,
  `create sequence spillway.object_versions;
   -- What was going to be stored and told of; see object-events.ts.
   create table spillway.object_notes (
     id uuid primary key,
     store text not null,
     key text not null,
     bytes bigint not null,
     etag text not null,
     noted_at timestamptz not null default clock_timestamp()
   );`,
];

/** Any number of ours: one process migrates at a time. */
const lockKey = 7_451_633_102;

/**
 * Brings the schema `spillway` up to date. Safe to call at every start and from several processes.
 * @throws {Error} of the driver where the database cannot be reached or refuses
 */
export const migrate = (pool: Pool): Promise<void> =>
  inTransaction(pool, async (client) => {
    await client.query("select pg_advisory_xact_lock($1)", [lockKey]);
    await client.query(
      `create schema if not exists spillway;
       create table if not exists spillway.migrations
         (step int primary key, at timestamptz not null default now())`,
    );
    const { rows } = await client.query<{ done: number }>(
      "select count(*)::int as done from spillway.migrations",
    );
    for (const [step, sql] of [...steps.entries()].slice(rows[0]?.done ?? 0)) {
      await client.query(sql);
      await client.query("insert into spillway.migrations (step) values ($1)", [step]);
    }
  });
