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
  `create table spillway.stream_shards (
     stream text collate "C" not null,
     shard int not null,
     -- The last record's number; its row is locked by whoever appends, so order is commit order.
     head bigint not null,
     primary key (stream, shard)
   );
   create table spillway.stream_records (
     stream text collate "C" not null,
     shard int not null,
     seq bigint not null,
     key text collate "C" not null,
     body text not null,
     at timestamptz not null default clock_timestamp(),
     primary key (stream, shard, seq)
   );
   -- How far each consumer has come.
   create table spillway.stream_readers (
     stream text collate "C" not null,
     consumer text collate "C" not null,
     shard int not null,
     seq bigint not null default 0,
     primary key (stream, consumer, shard)
   );

   -- Who reads the changes of a table.
   create table spillway.feeds (
     tbl text collate "C" not null,
     consumer text collate "C" not null,
     primary key (tbl, consumer)
   );
   -- What each of them has not read yet. Rows of one document are numbered while its row is
   -- locked, so in the order of its changes; a row is gone when it was read.
   create table spillway.changes (
     tbl text collate "C" not null,
     consumer text collate "C" not null,
     shard int not null,
     seq bigint generated always as identity,
     id uuid not null,
     pk text collate "C" not null,
     sk text collate "C" not null,
     before json,
     after json,
     at timestamptz not null default clock_timestamp(),
     primary key (tbl, consumer, shard, seq)
   );
   create function spillway.shard_of(pk text, sk text) returns int language sql immutable as
     $$ select (hashtextextended(pk || ' ' || sk, 0) & 3)::int $$;
   create function spillway.note_change() returns trigger language plpgsql as $$
   declare
     change_id uuid;
   begin
     if tg_op = 'UPDATE' and old.document::text = new.document::text then
       return null;
     end if;
     perform from spillway.feeds where tbl = coalesce(new.tbl, old.tbl);
     if not found then
       return null;
     end if;
     -- One for all who are told.
     change_id := gen_random_uuid();
     insert into spillway.changes (tbl, consumer, shard, id, pk, sk, before, after)
     select feed.tbl, feed.consumer, spillway.shard_of(key.pk, key.sk),
       change_id, key.pk, key.sk, old.document, new.document
     from spillway.feeds feed,
       (select coalesce(new.pk, old.pk) as pk, coalesce(new.sk, old.sk) as sk) key
     where feed.tbl = coalesce(new.tbl, old.tbl);
     return null;
   end $$;
   create trigger note_change after insert or update or delete on spillway.documents
     for each row execute function spillway.note_change();`,
  `create table spillway.executions (
     workflow text collate "C" not null,
     id text collate "C" not null,
     -- json, not jsonb: it keeps the text as it came
     input json not null,
     status text not null default 'running',
     -- The tries that have ended, in their order; what comes next follows from them.
     history json not null default '[]',
     failed json,
     started_at timestamptz not null default clock_timestamp(),
     ended_at timestamptz,
     wake_at timestamptz not null default clock_timestamp(),
     -- Which process has it: the number of an advisory lock that lives as long as its connection.
     owner bigint,
     -- How often the next try was begun without an end being noted.
     begun int not null default 0,
     primary key (workflow, id)
   );
   create index executions_due on spillway.executions (workflow, wake_at)
     where status = 'running' and owner is null;
   create index executions_owned on spillway.executions (workflow, owner)
     where status = 'running' and owner is not null;
   create index executions_newest on spillway.executions (workflow, started_at desc);`,
  `alter table spillway.mails
     add message_id text collate "C",
     add html text,
     -- When a mail server took it.
     add taken_at timestamptz;
   update spillway.mails set message_id = id::text;
   alter table spillway.mails alter message_id set not null, add unique (mailer, message_id);

   create table spillway.posts (
     id bigint generated always as identity primary key,
     chat text not null,
     post json not null,
     posted_at timestamptz not null default clock_timestamp()
   );

   -- What the gateway answered: how many in each minute, by how long they took; see durations.ts.
   create table spillway.requests (
     minute timestamptz not null,
     bucket smallint not null,
     requests bigint not null,
     errors bigint not null,
     primary key (minute, bucket)
   );

   -- What is to be sent to a queue, and not before its time.
   create table spillway.scheduled (
     scheduler text collate "C" not null,
     id text collate "C" not null,
     at timestamptz not null,
     body text not null,
     primary key (scheduler, id)
   );
   create index scheduled_due on spillway.scheduled (scheduler, at);`,
  `drop index spillway.documents_newest;
   create index documents_newest on spillway.documents (tbl, stored_at desc);`,
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
