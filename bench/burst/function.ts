/** The function twin's entry: the same handler as the containers', behind Lambda's entry. */
import { lambdaHttp } from "../../runtime/entries/lambda/http.ts";
import { create, openPool } from "./workload.ts";

const pool = await openPool(process.env.DATABASE_URL, 15);

export const handler = lambdaHttp(create(pool), { auth: "none" });
