/** The function twin's entry: the same handler as the containers', behind Lambda's entry. */
import { lambdaHttp } from "../../runtime/entries/lambda/http.ts";
import { declared, openOrders } from "./workload.ts";

export const handler = lambdaHttp(await openOrders(process.env.DATABASE_URL, 10), declared);
