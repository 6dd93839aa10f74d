import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SqlAdapter } from "../../../runtime/adapters/sql.ts";
import { isPortError, type PortError, type SqlValue } from "../../../runtime/ports/index.ts";
import { refusal, sleep, tally } from "./refusal.ts";

/** A database server that a test may stop, with one empty store. */
export interface SqlService {
  /** The port as another process would have it: with a pool of its own, of so many connections. */
  open(options?: { readonly connections?: number }): SqlAdapter;
  /** Stops the server, as a process. */
  stop(): Promise<void>;
  /** Starts it again, at the address that clients know. */
  start(): Promise<void>;
  /** The network passes nothing on, until `resume`. */
  hang(): void;
  resume(): void;
  /** Ends the store's connections from the server's side. */
  cut(): Promise<void>;
  close(): Promise<void>;
}

const seconds = async (work: Promise<unknown>) => {
  const began = performance.now();
  await work.catch(() => {});
  return (performance.now() - began) / 1000;
};

/** What every Sql does, the same on every adapter. */
export function sqlContract(
  title: string,
  { start }: { readonly start: () => Promise<SqlService> },
): void {
  describe(title, () => {
    let service: SqlService;
    const opened: SqlAdapter[] = [];
    const open = (options?: { readonly connections?: number }) => {
      opened.push(service.open(options));
      return opened.at(-1) as SqlAdapter;
    };
    let sql: SqlAdapter;
    beforeAll(async () => {
      service = await start();
      sql = open();
      await sql.query(
        `create table accounts (
           id text primary key,
           balance int not null check (balance >= 0),
           parent text references accounts
         )`,
      );
    });
    afterAll(async () => {
      await Promise.all(opened.map((one) => one.close()));
      await service?.close();
    });
    const account = async (id: string, balance = 100) => {
      await sql.query("insert into accounts (id, balance) values ($1, $2)", [id, balance]);
      return id;
    };
    const balanceOf = async (id: string, on: Pick<SqlAdapter, "query"> = sql) =>
      (await on.query<{ balance: number }>("select balance from accounts where id = $1", [id]))[0]
        ?.balance;

    describe("query", () => {
      it.each<[string, SqlValue, string, unknown]>([
        ["text", "é 😀 ' \" \\ $1", "text", "é 😀 ' \" \\ $1"],
        ["a whole number", 42, "int", 42],
        ["a fraction", 1.5, "float8", 1.5],
        ["a bigint, as text", 9_007_199_254_740_993n, "bigint", "9007199254740993"],
        ["a decimal, as text", "12.30", "numeric(10, 2)", "12.30"],
        ["a truth value", true, "boolean", true],
        ["nothing", null, "text", null],
        [
          "a moment",
          new Date("2026-11-21T08:00:00.123Z"),
          "timestamptz",
          new Date("2026-11-21T08:00:00.123Z"),
        ],
        ["JSON", { a: [1, { b: null }] }, "jsonb", { a: [1, { b: null }] }],
        ["an array", ["a", "b,c", null], "text[]", ["a", "b,c", null]],
        ["bytes", new Uint8Array([0, 255, 10]), "bytea", Buffer.from([0, 255, 10])],
      ])("gives back %s", async (_, value, type, expected) => {
        expect(await sql.query(`select $1::${type} as value`, [value])).toEqual([
          { value: expected },
        ]);
      });

      it("gives the rows as plain objects, and none for a statement without rows", async () => {
        const rows = await sql.query("select n as one, n * 2 as two from generate_series(1, 3) n");
        expect(rows).toEqual([1, 2, 3].map((n) => ({ one: n, two: n * 2 })));
        expect(await sql.query("create temporary table nothing (n int)")).toEqual([]);
        expect(await sql.query("select 1 as n where false")).toEqual([]);
      });

      it.each<[string, string, readonly SqlValue[], string]>([
        ["a key that is taken", "insert into accounts values ('taken', 1)", [], "conflict"],
        [
          "a foreign key without its row",
          "insert into accounts values ('x', 1, 'nobody')",
          [],
          "conflict",
        ],
        ["a check that fails", "insert into accounts values ('x', -1)", [], "invalid"],
        ["a column that lacks its value", "insert into accounts (id) values ('x')", [], "invalid"],
        ["a value of the wrong type", "select $1::int", ["abc"], "invalid"],
        ["wrong SQL", "selec 1", [], "invalid"],
        ["a table that is not there", "select * from nowhere", [], "invalid"],
        ["two statements", "select 1; select 2", [], "invalid"],
        ["two statements with a parameter", "select $1::int; select 2", [1], "invalid"],
        ["a parameter that is missing", "select $1::int", [], "invalid"],
        ["no statement", " ", [], "invalid"],
        ["undefined as a value", "select $1::text", [undefined as unknown as null], "invalid"],
        ["a lone surrogate", "select $1::text", ["\ud800"], "invalid"],
        ["NUL in text", "select $1::text", ["a\0b"], "invalid"],
        ["an invalid date", "select $1::timestamptz", [new Date(Number.NaN)], "invalid"],
        ["begin", "begin", [], "invalid"],
        ["commit behind a comment", "/* so */ -- or so\n commit", [], "invalid"],
        ["rollback", "ROLLBACK", [], "invalid"],
        ["what only the server's owner may", "select pg_read_file('/etc/passwd')", [], "denied"],
      ])("refuses %s", async (_, text, values, code) => {
        if (code === "conflict")
          await sql.query("insert into accounts values ('taken', 1) on conflict do nothing");
        expect(await refusal(sql.query(text, values))).toBe(code);
        expect(await sql.query("select 1 as n")).toEqual([{ n: 1 }]);
      });

      it("names the statement in its error, and never a value", async () => {
        await account("named");
        const failed = sql.query("insert into accounts (id, balance) values ($1, $2)", [
          "named",
          7_654_321,
        ]);
        const error = await failed.catch((thrown: unknown) => thrown);
        expect(isPortError(error, "conflict")).toBe(true);
        const { message } = error as PortError;
        expect(message).toContain("insert into accounts");
        expect(message).toContain("accounts_pkey");
        expect(message).not.toContain("7654321");
        expect(message).not.toContain("named");
      });

      it("serves many at the same time on few connections", async () => {
        const few = open({ connections: 2 });
        const answers = await Promise.all(
          Array.from({ length: 100 }, (_, n) => few.query("select $1::int as n", [n])),
        );
        expect(answers).toEqual(Array.from({ length: 100 }, (_, n) => [{ n }]));
      });

      it("tells callers at once where too many wait", async () => {
        const one = open({ connections: 1 });
        const slow = one.query("select pg_sleep(0.4)");
        const many = Array.from({ length: 150 }, () => one.query("select 1"));
        expect(await tally(many)).toEqual({ fulfilled: 100, unavailable: 50 });
        await slow;
      });
    });

    describe("transaction", () => {
      it("stores all of it, once, and gives what its work gave", async () => {
        const [from, to] = [await account("from"), await account("to")];
        const given = await sql.transaction(async (tx) => {
          await tx.query("update accounts set balance = balance - 30 where id = $1", [from]);
          await tx.query("update accounts set balance = balance + 30 where id = $1", [to]);
          return balanceOf(to, tx);
        });
        expect([given, await balanceOf(from), await balanceOf(to)]).toEqual([130, 70, 130]);
      });

      it("stores nothing where its work throws, and throws the same", async () => {
        const id = await account("thrown");
        const error = new Error("the caller's own");
        const failed = sql.transaction(async (tx) => {
          await tx.query("update accounts set balance = 1 where id = $1", [id]);
          throw error;
        });
        await expect(failed).rejects.toBe(error);
        expect(await balanceOf(id)).toBe(100);
      });

      it("stores nothing where a statement fails, even where its error is caught", async () => {
        const id = await account("caught");
        const failed = sql.transaction(async (tx) => {
          await tx.query("update accounts set balance = 1 where id = $1", [id]);
          await tx.query("select 1 / 0").catch(() => {});
        });
        expect(await refusal(failed)).toBe("invalid");
        expect(await balanceOf(id)).toBe(100);
      });

      it("goes on after a statement that failed inside a savepoint", async () => {
        const id = await account("saved");
        await sql.transaction(async (tx) => {
          await tx.query("savepoint before");
          await tx.query("select 1 / 0").catch(() => {});
          await tx.query("rollback to savepoint before");
          await tx.query("update accounts set balance = 5 where id = $1", [id]);
        });
        expect(await balanceOf(id)).toBe(5);
      });

      it("shows nothing to others before it is committed", async () => {
        const id = await account("unseen");
        await sql.transaction(async (tx) => {
          await tx.query("update accounts set balance = 1 where id = $1", [id]);
          expect(await balanceOf(id, open())).toBe(100);
        });
        expect(await balanceOf(id)).toBe(1);
      });

      it("takes statements at the same time, and runs them one after the other", async () => {
        const sums = await sql.transaction((tx) =>
          Promise.all([1, 2, 3].map((n) => tx.query("select $1::int as n", [n]))),
        );
        expect(sums).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]]);
      });

      it("is over when its work has returned", async () => {
        let late: Promise<unknown> = Promise.resolve();
        await sql.transaction(async (tx) => {
          late = sleep(50).then(() => tx.query("select 1"));
        });
        expect(await refusal(late)).toBe("invalid");
      });

      it.each(["commit", "rollback", "begin"])("refuses %s in it", async (text) => {
        expect(await refusal(sql.transaction((tx) => tx.query(text)))).toBe("invalid");
      });

      it("runs again where another stood in the way, so that no update is lost", async () => {
        const id = await account("contended", 0);
        const others = [sql, open()];
        const add = (n: number) =>
          (others[n % 2] as SqlAdapter).transaction(async (tx) => {
            await tx.query("set transaction isolation level serializable");
            const balance = (await balanceOf(id, tx)) ?? 0;
            await sleep(5);
            await tx.query("update accounts set balance = $2 where id = $1", [id, balance + 1]);
          });
        const counts = await tally(Array.from({ length: 4 }, (_, n) => add(n)));
        expect(await balanceOf(id)).toBe(counts.fulfilled);
        expect(counts.fulfilled).toBe(4);
      });

      it("overcomes a deadlock", async () => {
        const ids = [await account("left"), await account("right")];
        const move = (order: readonly string[]) =>
          sql.transaction(async (tx) => {
            for (const id of order) {
              await tx.query("update accounts set balance = balance + 1 where id = $1", [id]);
              await sleep(50);
            }
          });
        await Promise.all([move(ids), move(ids.toReversed())]);
        expect(await Promise.all(ids.map((id) => balanceOf(id)))).toEqual([102, 102]);
      });

      it("leaves its connection clean for the next", async () => {
        const one = open({ connections: 1 });
        await one.transaction((tx) => tx.query("select 1 / 0")).catch(() => {});
        await one.transaction(async (tx) => {
          await tx.query("set local statement_timeout = '7s'");
        });
        expect(await one.query("show statement_timeout")).toEqual([{ statement_timeout: "10s" }]);
      });
    });

    describe("an outage", () => {
      it("costs the calls in flight, and heals where connections were cut", async () => {
        const cut = open({ connections: 3 });
        await Promise.all([1, 2, 3].map(() => cut.query("select pg_sleep(0.05)")));
        const inFlight = cut.query("select pg_sleep(5)");
        const failed = refusal(inFlight);
        await sleep(100);
        await service.cut();
        expect(await failed).toBe("unavailable");
        await expect.poll(() => refusal(cut.query("select 1"))).toBe("nothing refused");
      });

      it("undoes a transaction whose connection was cut, and says so", async () => {
        const id = await account("cut");
        const failed = sql.transaction(async (tx) => {
          await tx.query("update accounts set balance = 1 where id = $1", [id]);
          await service.cut();
          await tx.query("update accounts set balance = 2 where id = $1", [id]);
        });
        expect(await refusal(failed)).toBe("unavailable");
        await expect.poll(() => balanceOf(id).catch(() => "no answer")).toBe(100);
      });

      it("is told quickly, to each of many, and is over by itself", async () => {
        const id = await account("outage");
        const other = open();
        await other.query("select 1");
        await service.stop();
        try {
          const calls = Array.from({ length: 60 }, (_, n) =>
            n % 2 ? other.query("select 1") : other.transaction((tx) => tx.query("select 1")),
          );
          expect(await seconds(Promise.allSettled(calls))).toBeLessThan(5);
          expect(await tally(calls)).toEqual({ unavailable: 60 });
        } finally {
          await service.start();
        }
        await expect.poll(() => balanceOf(id, other).catch(() => "no answer")).toBe(100);
      });

      it("is told in bounded time where the network swallows everything", async () => {
        const other = open({ connections: 1 });
        await other.query("select 1");
        service.hang();
        try {
          const calls = [1, 2, 3].map(() => other.query("select 1"));
          expect(await tally(calls)).toEqual({ unavailable: 3 });
        } finally {
          service.resume();
        }
        await expect.poll(() => refusal(other.query("select 1"))).toBe("nothing refused");
      });

      it("is what a statement meets that takes too long", async () => {
        const began = performance.now();
        expect(await refusal(sql.query("select pg_sleep(60)"))).toBe("unavailable");
        expect(performance.now() - began).toBeLessThan(12_000);
      });
    });

    describe("close", () => {
      it("waits for what is at work, and answers nothing after", async () => {
        const closing = service.open();
        const work = closing.query("select pg_sleep(0.3), 1 as n");
        await sleep(50);
        await closing.close();
        expect(await work).toMatchObject([{ n: 1 }]);
        expect(await refusal(closing.query("select 1"))).toBe("unavailable");
        await closing.close();
      });
    });
  });
}
