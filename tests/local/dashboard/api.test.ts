import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type JsonState, lab, type Started, start, temporary } from "../harness.ts";

describe("the dashboard's JSON", () => {
  const data = temporary();
  let host: Started;
  beforeAll(async () => {
    host = await start(lab, data.folder);
  });
  afterAll(async () => {
    await host.end();
    data.remove();
  });

  /** fetch sets Host and Origin itself; this sends them as they are given. */
  const raw = (path: string, headers: Record<string, string>, method = "GET") =>
    new Promise<{ status?: number; headers: Record<string, unknown> }>((resolve, reject) => {
      request({ port: new URL(host.url).port, host: "127.0.0.1", path, headers, method })
        .on("response", (response) => {
          response.resume();
          resolve({ status: response.statusCode, headers: response.headers });
        })
        .on("error", reject)
        .end();
    });
  const jobs = ({ queues }: JsonState) => queues.find(({ name }) => name === "jobs");
  const dead = (state: JsonState) => jobs(state)?.deadLetters ?? [];
  const act = (id: string, verb: string) =>
    host.post(`/_spillway/api/queues/jobs/dead-letters/${id}/${verb}`, {});

  test("says how each workload fares here, and why", async () => {
    const { workloads } = await host.state();
    const fares = Object.fromEntries(workloads.map(({ name, status }) => [name, status]));
    expect(fares).toEqual({
      echo: "running",
      limited: "running",
      notes: "running",
      worker: "running",
      locked: "running",
      broken: "failed",
      absent: "no-code",
      ledger: "failed",
      nightly: "running",
    });
    expect(workloads.find(({ name }) => name === "ledger")?.reason).toMatch(
      /^sql "books": no folder /,
    );
  });

  test("offers each route as a curl line", async () => {
    const { routes } = await host.state();
    expect(routes.find(({ path }) => path === "/notes")).toEqual({
      method: "POST",
      path: "/notes",
      workload: "notes",
      auth: "none",
      running: true,
      curl: `curl -i -X POST '${host.url}/notes' -H 'content-type: application/json' -d '{}'`,
    });
    expect(routes.find(({ path }) => path === "/locked")?.curl).toBe(
      `curl -i '${host.url}/locked' -H "authorization: Bearer $TOKEN"`,
    );
  });

  test("shows documents and objects as they are stored", async () => {
    await host.post("/notes", { id: "shown", text: "hello" });
    const state = await host.until(({ objectStores }) =>
      objectStores.some(({ folders }) =>
        folders.some(({ items }) => items.some(({ key }) => key === "notes/shown.txt")),
      ),
    );
    expect(state.tables.find(({ name }) => name === "notes")?.items).toContainEqual({
      pk: "NOTE#shown",
      sk: "TEXT",
      document: { id: "shown", text: "hello" },
    });
  });

  test("counts documents, and says when a schedule runs next", async () => {
    await host.post("/notes", { id: "counted", text: "hello" });
    const { schedules, tables } = await host.until((state) =>
      state.tables.some(({ total = 0 }) => total > 0),
    );
    expect(tables.map(({ name }) => name)).toEqual(["notes"]);
    expect(schedules).toMatchObject([
      {
        workload: "nightly",
        cron: "0 3 1 1 *",
        timeZone: "UTC",
        nextRun: expect.stringMatching(/-01-01T03:00:00.000Z$/),
      },
    ]);
  });

  test("runs a schedule now, for this moment", async () => {
    const answer = await host.post("/_spillway/api/schedules/nightly/run", {});
    const { scheduledAt } = (await answer.json()) as { scheduledAt: string };
    await host.until(({ tables }) =>
      tables.some(({ items }) =>
        items.some(({ pk, sk }) => pk === "NIGHTLY" && sk === scheduledAt),
      ),
    );
  });

  test("is not sent again while nothing has changed", async () => {
    const first = await fetch(`${host.url}/_spillway/api/state`);
    const etag = first.headers.get("etag") ?? "";
    const again = await raw("/_spillway/api/state", {
      host: new URL(host.url).host,
      "if-none-match": etag,
    });
    expect(again.status).toBe(304);
  });

  test("a message that is set aside can be sent again", async () => {
    await host.post("/notes/jobs", { id: "poison", fail: "invalid" });
    const [letter] = dead(await host.until((state) => dead(state).length === 1));
    expect(letter).toMatchObject({
      body: { id: "poison", fail: "invalid" },
      reason: 'job "poison": no job; send one',
    });
    expect((await act(letter?.id ?? "", "redrive")).status).toBe(204);
    // It fails again, as a new message.
    await host.until((state) => dead(state).some(({ id }) => id !== letter?.id));
    const [next] = dead(await host.state());
    expect((await act(next?.id ?? "", "discard")).status).toBe(204);
    await host.until((state) => jobs(state)?.dead === 0);
    expect((await act(next?.id ?? "", "discard")).status).toBe(404);
  });

  test("a message that keeps failing is tried as often as declared, then set aside", async () => {
    await host.post("/notes/jobs", { id: "stubborn", fail: "always" });
    const [letter] = dead(await host.until((state) => dead(state).length === 1));
    expect(letter).toMatchObject({ body: { id: "stubborn" }, reason: "stubborn is away" });
    await act(letter?.id ?? "", "discard");
  });

  test("a message that fails once is done the second time", async () => {
    await host.post("/notes/jobs", { id: "shy", fail: "first" });
    const { tables } = await host.until((state) =>
      state.tables.some(({ items }) => items.some(({ pk }) => pk === "JOB#shy")),
    );
    const items = tables.flatMap((table) => table.items);
    expect(items.find(({ pk }) => pk === "JOB#shy")?.document).toEqual({ receives: 2 });
  });

  test("actions on what is not there are 404", async () => {
    expect((await act("nonsense", "discard")).status).toBe(404);
    const other = await host.post("/_spillway/api/queues/none/dead-letters/x/redrive", {});
    expect(other.status).toBe(404);
  });

  describe("is refused", () => {
    const own = () => new URL(host.url).host;

    test("under a foreign Host", async () => {
      for (const path of ["/_spillway/", "/_spillway/api/state", "/_spillway/page.js"])
        expect((await raw(path, { host: "evil.example" })).status).toBe(403);
    });

    test("to a foreign Origin, and without any CORS grant", async () => {
      const origin = "http://localhost:5173";
      const { status, headers } = await raw("/_spillway/api/state", { host: own(), origin });
      expect(status).toBe(403);
      expect(headers).not.toHaveProperty("access-control-allow-origin");
    });

    test("to a form of another site", async () => {
      const path = "/_spillway/api/queues/jobs/dead-letters/x/discard";
      const form = { host: own(), "content-type": "text/plain" };
      expect((await raw(path, form, "POST")).status).toBe(403);
      const foreign = {
        ...form,
        "content-type": "application/json",
        origin: "https://evil.example",
      };
      expect((await raw(path, foreign, "POST")).status).toBe(403);
    });

    test("a preflight", async () => {
      const headers = {
        host: own(),
        origin: "https://evil.example",
        "access-control-request-method": "POST",
      };
      expect((await raw("/_spillway/api/state", headers, "OPTIONS")).status).toBe(403);
    });

    test("an action by GET", async () => {
      const path = "/_spillway/api/queues/jobs/dead-letters/x/discard";
      expect((await raw(path, { host: own() })).status).toBe(405);
    });
  });

  test("lets nothing be framed, guessed, kept or run inline", async () => {
    const { headers } = await fetch(`${host.url}/_spillway/`);
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-security-policy": expect.stringMatching(
        /default-src 'none'.*frame-ancestors 'none'/,
      ),
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cache-control": "no-store",
    });
    expect(headers.get("content-security-policy")).not.toMatch(/unsafe|https?:|\*/);
  });
});
