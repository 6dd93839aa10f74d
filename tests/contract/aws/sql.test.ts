import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { iamToken, prepareSql, sql } from "../../../runtime/adapters/aws/sql.ts";
import { isPortError } from "../../../runtime/ports/index.ts";
import { startSqlServer } from "../sql-server.ts";
import { refusal } from "../suites/refusal.ts";
import { sqlContract } from "../suites/sql.ts";
import { trustedCertificate } from "./authority.ts";

/** A server as RDS is: TLS, a name to check, and passwords that are good for a while. */
async function startRds() {
  const server = await startSqlServer();
  await server.useTls(await trustedCertificate());
  const id = randomUUID().slice(0, 8);
  const [user, database] = [`app_${id}`, `books_${id}`];
  let password = "";
  let minted = 0;
  const rotate = async () => {
    password = `token-${randomUUID()}`;
    await server.admin(`alter role ${user} password '${password}'`);
  };
  await server.admin(`create role ${user} login`);
  await rotate();
  await server.admin(`create database ${database} owner ${user}`);
  const at = (host: string) => `postgres://${user}@${host}:${new URL(server.url).port}/${database}`;
  const token = async () => {
    minted++;
    return password;
  };
  return { ...server, at, location: at("localhost"), token, rotate, minted: () => minted };
}

sqlContract("aws sql", {
  async start() {
    const { location, token, ...server } = await startRds();
    return {
      ...server,
      open: (options = {}) => sql({ name: "ledger", location, token, ...options }),
    };
  },
});

describe("what connects to RDS", () => {
  let rds: Awaited<ReturnType<typeof startRds>>;
  const opened: { close(): Promise<void> }[] = [];
  const open = (location: string, token: () => Promise<string>) => {
    const port = sql({ name: "ledger", location, token });
    opened.push(port);
    return port;
  };
  beforeAll(async () => {
    rds = await startRds();
  });
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()));
    await rds?.close();
  });
  afterEach(() => vi.unstubAllEnvs());

  it("asks for a token for each new connection, not for each statement", async () => {
    const ledger = open(rds.location, rds.token);
    const before = rds.minted();
    for (const _ of [1, 2, 3]) await ledger.query("select 1");
    expect(rds.minted() - before).toBe(1);
    await rds.rotate();
    expect(await ledger.query("select 1 as n")).toEqual([{ n: 1 }]);
    await rds.cut();
    await expect.poll(() => refusal(ledger.query("select 1"))).toBe("nothing refused");
    expect(rds.minted() - before).toBe(2);
  });

  it("is encrypted", async () => {
    const ledger = open(rds.location, rds.token);
    const found = await ledger.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    expect(found).toEqual([{ ssl: true }]);
  });

  it("asks a proxy for no settings of its session, which that would refuse", async () => {
    const limits = async (location: string) => {
      const ask =
        "select current_setting('statement_timeout') as one, current_setting('idle_in_transaction_session_timeout') as two";
      return await open(location, rds.token).query(ask);
    };
    expect(await limits(rds.location)).toEqual([{ one: "10s", two: "30s" }]);
    expect(await limits(`${rds.location}?pooled`)).toEqual([{ one: "0", two: "0" }]);
  });

  it("refuses a server whose certificate is for another name", async () => {
    const token = vi.fn(rds.token);
    const ledger = open(rds.at("127.0.0.1"), token);
    expect(await refusal(ledger.query("select 1"))).toBe("unavailable");
    expect(token).not.toHaveBeenCalled();
  });

  it("refuses a server without TLS", async () => {
    const plain = await startSqlServer();
    const { port } = new URL(plain.url);
    const ledger = open(`postgres://spillway@localhost:${port}/postgres`, rds.token);
    expect(await refusal(ledger.query("select 1"))).toBe("unavailable");
    await plain.close();
  });

  it("is denied with a token that is good no more, which no error shows", async () => {
    const token = `stale-${randomUUID()}`;
    const ledger = open(rds.location, async () => token);
    const error = await ledger.query("select 1").catch((thrown: unknown) => thrown);
    expect(isPortError(error, "denied")).toBe(true);
    expect(shown(error)).not.toContain(token);
  });

  it("says that it has no credentials where there are none", async () => {
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"])
      vi.stubEnv(name, "");
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_REGION", "eu-central-1");
    const ledger = sql({ name: "ledger", location: rds.location });
    opened.push(ledger);
    expect(await refusal(ledger.query("select 1"))).toBe("denied");
  });

  it.each([
    ["no URL", "ledger.internal"],
    ["another protocol", "mysql://app@db:5432/books"],
    ["no user", "postgres://db:5432/books"],
    ["no database", "postgres://app@db:5432/"],
    ["a password", "postgres://app:geheim@db:5432/books"],
  ])("refuses a location with %s, and does not repeat it", (_, location) => {
    expect(() => sql({ name: "ledger", location })).toThrow(
      /^sql "ledger": its location(?!.*geheim)/,
    );
  });

  it("brings the database up to date by the same way", async () => {
    const migrations = [{ file: "0001-notes.sql", text: "create table notes (text text)" }];
    const options = { name: "ledger", location: rds.location, token: rds.token, migrations };
    expect(await prepareSql(options)).toEqual(["0001-notes.sql"]);
    expect(await prepareSql(options)).toEqual([]);
    expect(await open(rds.location, rds.token).query("select * from notes")).toEqual([]);
  });

  it("lets a migration take longer than its role's statements may", async () => {
    const own = await startRds();
    const { location, token } = own;
    await own.admin(`alter role ${new URL(location).username} set statement_timeout = '50ms'`);
    const migrations = [{ file: "0001-long.sql", text: "select pg_sleep(0.2)" }];
    const applied = await prepareSql({ name: "ledger", location, token, migrations });
    await own.close();
    expect(applied).toEqual(["0001-long.sql"]);
  });
});

describe("the token", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.useRealTimers();
  });

  it("is a signed request to connect as the user, without a scheme, for 15 minutes", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "geheim");
    vi.stubEnv("AWS_REGION", "eu-central-1");
    const place = { host: "ledger.example.com", port: 5432, user: "app", database: "books" };
    const token = await iamToken(place);
    expect(token).toMatch(/^ledger\.example\.com:5432\/\?/);
    const { searchParams } = new URL(`https://${token}`);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      Action: "connect",
      DBUser: "app",
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": expect.stringMatching(
        /^AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-central-1\/rds-db\/aws4_request$/,
      ),
      "X-Amz-Expires": "900",
      "X-Amz-Signature": expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(token).not.toContain("geheim");
  });
});

/** All that a log could show of an error, its causes included. */
function shown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.getOwnPropertyNames(error).map((name) =>
    name === "cause" ? shown(error.cause) : JSON.stringify(Reflect.get(error, name)),
  );
  return own.join(" ");
}
