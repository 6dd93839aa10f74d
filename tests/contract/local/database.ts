import path from "node:path";
import { migrate, type Postgres, startPostgres } from "../../../runtime/adapters/local/postgres.ts";
import { temporaryFolder } from "./folder.ts";

/** A new database with the schema in it, gone at the end. */
export async function temporaryDatabase(): Promise<Postgres> {
  const { folder, remove } = await temporaryFolder();
  const postgres = await startPostgres(path.join(folder, "postgres"));
  await migrate(postgres.pool);
  return {
    ...postgres,
    async stop() {
      await postgres.stop();
      await remove();
    },
  };
}
