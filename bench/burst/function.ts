/** The function twin's entry: the same handler as the containers', behind Lambda's entry. */
import { Pool } from "pg";
import { lambdaHttp } from "../../runtime/entries/lambda/http.ts";
import { create } from "./workload.ts";

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
// It ends with its host, and the database may end before it.
pool.on("error", () => {});

export const handler = lambdaHttp(create(pool), { auth: "none" });
