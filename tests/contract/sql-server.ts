import { chown, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { Pool } from "pg";
import { startCluster } from "../../runtime/adapters/local/cluster.ts";
import { openDoor } from "./door.ts";
import { temporaryFolder } from "./local/folder.ts";
import type { SqlService } from "./suites/sql.ts";

/** A Postgres whose address stays over its stops. */
export interface SqlServer extends Omit<SqlService, "open"> {
  /** Of its owner, by the door. */
  readonly url: string;
  /** The owner's, past the door. */
  admin(statement: string, values?: unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Takes TLS from now on, besides. */
  useTls(certificate: { readonly cert: string; readonly key: string }): Promise<void>;
}

/** Starts an embedded Postgres behind a door. */
export async function startSqlServer(): Promise<SqlServer> {
  const { folder, remove } = await temporaryFolder();
  const where = path.join(folder, "postgres");
  let cluster = await startCluster(where);
  const portOf = () => Number(new URL(cluster.url).port);
  const door = await openDoor(portOf());
  const url = new URL(cluster.url);
  url.port = `${door.port}`;
  const admin = async (statement: string, values: unknown[] = []) => {
    const pool = new Pool({ connectionString: cluster.url, max: 1 });
    pool.on("error", () => {});
    try {
      return (await pool.query(statement, values)).rows;
    } finally {
      await pool.end();
    }
  };
  return {
    url: url.href,
    admin,
    async useTls(certificate) {
      const data = path.join(where, "data");
      const { uid, gid } = await stat(data);
      for (const [kind, text] of Object.entries(certificate)) {
        const file = path.join(data, `server.${kind}`);
        await writeFile(file, text, { mode: 0o600 });
        await chown(file, uid, gid);
        await admin(`alter system set ssl_${kind}_file = 'server.${kind}'`);
      }
      await admin("alter system set ssl = on");
      await admin("select pg_reload_conf()");
    },
    stop: () => cluster.stop(),
    async start() {
      cluster = await startCluster(where);
      door.to(portOf());
    },
    hang: door.hang,
    resume: door.resume,
    async cut() {
      await admin(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = 'spillway'",
      );
    },
    async close() {
      await door.close();
      await cluster.stop();
      await remove();
    },
  };
}
