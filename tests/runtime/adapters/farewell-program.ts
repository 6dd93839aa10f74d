// A process that uses a Postgres which says farewell: `farewell-program.ts <way> <moment>`.
import { createServer } from "node:net";
import { takeOwnership } from "../../../local/workflow/ownership.ts";
import { faultsOf } from "../../../runtime/adapters/faults.ts";
import { leases } from "../../../runtime/adapters/local/leases.ts";
import { inTransaction } from "../../../runtime/adapters/local/transaction.ts";
import { openPool } from "../../../runtime/adapters/pool.ts";
import { sqlPool } from "../../../runtime/adapters/sql-pool.ts";

/** PostgreSQL, "Message Formats": a letter, the length of the rest, the rest. */
const message = (letter: string, body: string | Buffer = "") => {
  const rest = Buffer.from(body);
  const head = Buffer.from(`${letter}----`);
  head.writeInt32BE(rest.length + 4, 1);
  return Buffer.concat([head, rest]);
};
const ready = message("Z", "I");
const farewell = message("E", "SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0");
const welcome = [message("R", Buffer.alloc(4)), ready];
const answer = [message("1"), message("2"), message("n"), message("C", "SELECT 0\0"), ready];

const [, , way = "", moment] = process.argv;
const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", () => {
    // All in one write: the client reads it in one go.
    socket.write(Buffer.concat(moment === "welcome" ? [...welcome, farewell] : welcome));
    socket.on("data", () => socket.write(Buffer.concat([...answer, farewell])));
  });
});
await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
const { port } = server.address() as { port: number };
const config = { connectionString: `postgres://ann@127.0.0.1:${port}/shop`, max: 1 };

const pool = openPool(config);
const own = sqlPool(faultsOf("sql", "ledger"), config);
const ways: Record<string, () => Promise<unknown>> = {
  sqlPool: () => own.use((session) => session.run("select 1")),
  inTransaction: () => inTransaction(pool, (client) => client.query("select 1")),
  takeOwnership: () => takeOwnership(pool),
  leases: () => leases(pool).take(["one"]),
};
const results = await Promise.allSettled([1, 2, 3].map(() => ways[way]?.()));
// What comes after the last answer is heard as well.
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(results.map(({ status }) => status).join(" "));
process.exit(0);
