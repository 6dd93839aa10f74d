import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { startPostgres } from "../../runtime/adapters/local/postgres.ts";
import {
  githubHeaders,
  githubSecret,
  lab,
  refusal,
  type Started,
  start,
  storefront,
  temporary,
} from "./harness.ts";

const secrets = { SPILLWAY_SECRET_GITHUB_WEBHOOK: githubSecret };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const folderOf = () => {
  const data = temporary();
  ends.push(data.remove);
  return data.folder;
};
const started = async (...args: Parameters<typeof start>) => {
  const host = await start(...args);
  ends.push(() => host.end("SIGKILL"));
  return host;
};

/** Sends a webhook of its own; answers its delivery id where it was accepted. */
const webhook = async (host: Started, id: string): Promise<string | undefined> => {
  const body = JSON.stringify({ number: id });
  const response = await host
    .post("/webhooks/github", body, githubHeaders(body, id))
    .catch(() => undefined);
  return response?.status === 200 ? id : undefined;
};

/** The delivery ids of the webhooks that a stopped host has recorded. */
async function recorded(folder: string): Promise<readonly string[]> {
  const postgres = await startPostgres(path.join(folder, "postgres"));
  try {
    const { rows } = await postgres.pool.query<{ pk: string }>(
      "select pk from spillway.documents where pk like 'WEBHOOK#github#%'",
    );
    return rows.map(({ pk }) => pk.split("#")[2]?.split(":")[0] ?? "");
  } finally {
    await postgres.stop();
  }
}

const idle = (host: Started) =>
  host.until(({ queues }) => queues.every(({ waiting, active }) => waiting + active === 0), 90);

describe("spillway start refuses, in one line and with exit code 2,", () => {
  const line = /^start[^\n]*; [^\n]*\n$/;

  test("a port that is none", async () => {
    const { code, error } = await refusal(lab, { PORT: "eighty" });
    expect(error).toMatch(line);
    expect(error).toContain('start "PORT": "eighty" is no port');
    expect(code).toBe(2);
  });

  test("a port that is in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ends.push(() => server.close());
    const { port } = server.address() as { port: number };
    const { code, error } = await refusal(lab, { PORT: `${port}`, SPILLWAY_DATA: folderOf() });
    expect(error).toMatch(line);
    expect(error).toContain(`start "PORT": ${port} is in use`);
    expect(code).toBe(2);
  });

  test("a data folder that is a file", async () => {
    const file = path.join(folderOf(), "file");
    writeFileSync(file, "");
    const { code, error } = await refusal(lab, { SPILLWAY_DATA: file });
    expect(error).toMatch(line);
    expect(error).toContain(`start "SPILLWAY_DATA": ${file} cannot be used`);
    expect(code).toBe(2);
  });

  test("a data folder that another one uses", async () => {
    const folder = folderOf();
    await started(lab, folder);
    const { code, error } = await refusal(lab, { SPILLWAY_DATA: folder });
    expect(error).toMatch(line);
    expect(error).toContain("is in use by another spillway start");
    expect(code).toBe(2);
  });

  test("a DATABASE_URL that is none", async () => {
    const { code, error } = await refusal(lab, {
      DATABASE_URL: "mysql://db",
      SPILLWAY_DATA: folderOf(),
    });
    expect(error).toMatch(line);
    expect(code).toBe(2);
  });

  test("a folder without a system", async () => {
    const { code, error } = await refusal(folderOf(), {});
    expect(error).toMatch(line);
    expect(error).toContain("has no system.ts");
    expect(code).toBe(2);
  });

  test("a system with faults, each of them named", async () => {
    const folder = folderOf();
    const spec = path.resolve(storefront, "spec/index.ts");
    writeFileSync(
      path.join(folder, "system.ts"),
      `import { defineSystem } from ${JSON.stringify(spec)};
       export const system = defineSystem({ name: "No Name", workloads: {} });`,
    );
    const { code, error } = await refusal(folder, {});
    expect(error).toContain('start "system.ts": System "No Name": 1 fault');
    expect(code).toBe(2);
  });

  test("arguments", async () => {
    const { code, error } = await refusal(lab, {}, ["--port", "80"]);
    expect(error).toMatch(line);
    expect(code).toBe(2);
  });
});

describe("spillway start", () => {
  test("keeps what was stored over a restart", async () => {
    const folder = folderOf();
    const first = await started(lab, folder);
    await first.post("/notes", { id: "kept", text: "hello" });
    expect(await first.end("SIGINT")).toBe(0);
    const { tables } = await (await started(lab, folder)).state();
    expect(tables[0]?.items.map(({ pk }) => pk)).toEqual(["NOTE#kept"]);
  });

  test("uses the Postgres of DATABASE_URL and starts none", async () => {
    const postgres = await startPostgres(path.join(folderOf(), "postgres"));
    ends.push(() => postgres.stop());
    const folder = folderOf();
    const host = await started(lab, folder, { DATABASE_URL: postgres.url });
    await host.post("/notes", { id: "there", text: "hello" });
    expect(await host.end()).toBe(0);
    const { rows } = await postgres.pool.query("select pk from spillway.documents");
    expect(rows).toEqual([{ pk: "NOTE#there" }]);
    expect(() => statSync(path.join(folder, "postgres"))).toThrow(/ENOENT/);
  });

  test("names a data folder below the project, made where it is missing", async () => {
    const folder = path.join(folderOf(), "deep", "data");
    mkdirSync(path.dirname(folder));
    const host = await started(lab, folder);
    expect(await host.end()).toBe(0);
  });
});

describe("on SIGTERM", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "npm start passes %s on and ends with 0",
    async (signal) => {
      const host = await start(storefront, folderOf(), {}, "npm");
      expect(await host.end(signal)).toBe(0);
      await expect(fetch(host.url)).rejects.toThrow();
    },
  );

  test("npm start that is killed leaves no host behind", async () => {
    const host = await start(storefront, folderOf(), {}, "npm");
    await host.end("SIGKILL");
    const gone = () =>
      fetch(host.url).then(
        () => false,
        () => true,
      );
    await expect.poll(gone, { timeout: 10_000 }).toBe(true);
  });

  test("requests in flight get their answers, new connections do not, and it exits with 0", async () => {
    const host = await started(lab, folderOf());
    const slow = fetch(`${host.url}/limited/1500`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const ended = host.end();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await expect(fetch(`${host.url}/echo/x`)).rejects.toThrow();
    expect(await (await slow).json()).toEqual({ slept: "1500" });
    expect(await ended).toBe(0);
  });

  test("messages in work are finished", async () => {
    const folder = folderOf();
    const host = await started(lab, folder);
    await host.post("/notes/jobs", { id: "long", ms: 1500 });
    await host.until(({ queues }) => queues.some(({ active }) => active > 0));
    expect(await host.end()).toBe(0);
    const { tables, queues } = await (await started(lab, folder)).state();
    expect(tables[0]?.items).toEqual([{ pk: "JOB#long", sk: "DONE", document: { receives: 1 } }]);
    expect(queues[0]).toMatchObject({ waiting: 0, active: 0, dead: 0 });
  });
});

describe("webhooks", () => {
  test("2,000 at once are all answered 200 and all recorded once", async () => {
    const folder = folderOf();
    const host = await started(storefront, folder, secrets);
    const ids = Array.from({ length: 2000 }, (_, index) => `burst-${index}`);
    const answered = await Promise.all(ids.map((id) => webhook(host, id)));
    expect(answered).toEqual(ids);
    await idle(host);
    expect(await host.end()).toBe(0);
    expect((await recorded(folder)).toSorted()).toEqual(ids.toSorted());
  });

  test("what was answered is recorded, also when it was killed in the middle", async () => {
    const folder = folderOf();
    const host = await started(storefront, folder, secrets);
    let count = 0;
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const sent = Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        const id = await webhook(host, `kill-${index}`);
        if (id && ++count === 150) resolve();
        return id;
      }),
    );
    await enough;
    await host.end("SIGKILL");
    const answered = (await sent).filter((id) => id !== undefined);
    expect(answered.length).toBeLessThan(1000);

    const again = await started(storefront, folder, secrets);
    await idle(again);
    expect(await again.end()).toBe(0);
    const all = await recorded(folder);
    expect(new Set(all).size).toBe(all.length);
    expect(answered.filter((id) => !all.includes(id))).toEqual([]);
  });
});
