import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accepts } from "../../../local/dashboard/objects.ts";
import { type JsonObject, PortError } from "../../../runtime/ports/index.ts";
import { memoryObjects, type Served, serveDashboard } from "./served.ts";

const folders = {
  uploads: { prefix: "uploads/", maxBytes: 1000, contentTypes: ["image/*", "text/plain"] },
  any: { prefix: "any/", maxBytes: 10 },
  made: { prefix: "made/" },
};

describe("what is done by hand", () => {
  let served: Served;
  let objects: ReturnType<typeof memoryObjects>;
  let started: [string, JsonObject][];
  let runs: string[];

  beforeEach(async () => {
    [started, runs] = [[], []];
    objects = memoryObjects(folders);
    served = await serveDashboard({
      objects: new Map([["files", objects]]),
      schedules: () => [{ workload: "daily", cron: "0 6 * * *", timeZone: "Europe/Berlin" }],
      runNow: async (workload) => {
        if (workload !== "daily")
          throw new PortError("not-found", `schedule "${workload}": none of that name`);
        runs.push(workload);
        return { scheduledAt: new Date("2026-11-21T05:00:00Z") };
      },
      workflows: new Map([
        [
          "saga",
          {
            declaration: { steps: [{ name: "one", timeoutSeconds: 1 }] },
            executions: async () => [],
            start: async (id, input) => {
              if (id === "taken")
                throw new PortError("conflict", 'workflow "saga": taken has another input');
              started.push([id, input]);
              return { started: id !== "again" };
            },
          },
        ],
      ]),
      mails: async () => [
        { id: "1", to: "a@b.c", subject: "plain", text: "words", at: new Date(0) },
        { id: "2", to: "a@b.c", subject: "rich", text: "words", html: "<p>hi", at: new Date(0) },
      ],
    });
  });
  afterEach(() => served.close());

  const detail = async (answer: Response) => ((await answer.json()) as { detail: string }).detail;

  describe("run now", () => {
    test("sends a run and says which", async () => {
      const answer = await served.post("/schedules/daily/run", {});
      expect(answer.status).toBe(202);
      expect(await answer.json()).toEqual({ scheduledAt: "2026-11-21T05:00:00.000Z" });
      expect(runs).toEqual(["daily"]);
    });

    test("of an unknown schedule is 404, by GET 405", async () => {
      expect((await served.post("/schedules/weekly/run", {})).status).toBe(404);
      expect((await fetch(`${served.api}/schedules/daily/run`)).status).toBe(405);
      expect(runs).toEqual([]);
    });
  });

  describe("starting a workflow", () => {
    const start = (body: unknown) => served.post("/workflows/saga/executions", body);

    test("hands over id and input", async () => {
      const answer = await start({ id: "first", input: { a: 1 } });
      expect(answer.status).toBe(202);
      expect(await answer.json()).toEqual({ id: "first", started: true });
      expect(started).toEqual([["first", { a: 1 }]]);
    });

    test("makes an id where none is given, one that a workflow takes", async () => {
      const { id } = (await (await start({ input: {} })).json()) as { id: string };
      expect(id).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
    });

    test("says where it had been started before", async () => {
      expect(await (await start({ id: "again", input: {} })).json()).toEqual({
        id: "again",
        started: false,
      });
    });

    test("answers a port's refusal with its code and words", async () => {
      const answer = await start({ id: "taken", input: {} });
      expect(answer.status).toBe(409);
      expect(await detail(answer)).toBe('workflow "saga": taken has another input');
    });

    test.each([
      ["{", /no JSON/],
      ["null", /no JSON object/],
      ['{"input":[]}', /no JSON object/],
      ['{"input":"a"}', /no JSON object/],
      ['{"id":1,"input":{}}', /no text/],
    ])("of %s is refused", async (body, words) => {
      const answer = await start(body);
      expect(answer.status).toBe(400);
      expect(await detail(answer)).toMatch(words);
      expect(started).toEqual([]);
    });

    test("with more than a body may have is refused", async () => {
      expect((await start({ input: { a: "x".repeat(1_048_576) } })).status).toBe(413);
    });

    test("that there is not is 404", async () => {
      expect((await served.post("/workflows/none/executions", { input: {} })).status).toBe(404);
    });
  });

  describe("an upload", () => {
    const put = (key: string, type: string | undefined, body: string) =>
      fetch(`${served.api}/objects/files/${encodeURIComponent(key)}`, {
        method: "PUT",
        headers: type === undefined ? {} : { "content-type": type },
        body: new TextEncoder().encode(body),
      });

    test.each(["uploads/a.png", "uploads/ü & 100% +b/ .png", "uploads/a/b//c"])(
      "is stored as it is under %s",
      async (key) => {
        expect((await put(key, "image/png", "bytes")).status).toBe(201);
        const stored = objects.kept.get(key);
        expect(stored?.contentType).toBe("image/png");
        expect(new TextDecoder().decode(stored?.body)).toBe("bytes");
      },
    );

    test("is seen in the state at once", async () => {
      const total = async () => (await served.state()).objectStores[0]?.total;
      expect(await total()).toBe(0);
      await put("uploads/a.png", "image/png", "bytes");
      expect(await total()).toBe(1);
    });

    test.each([
      ["uploads/a.html", "text/html", "x", 400, /type text\/html; the folder takes image/],
      ["uploads/a", undefined, "x", 400, /application\/octet-stream/],
      ["uploads/a.png", "image/png", "x".repeat(1001), 413, /1000 bytes/],
      ["made/a.png", "image/png", "x", 403, /No folder/],
      ["elsewhere.png", "image/png", "x", 403, /No folder/],
      ["uploads/", "image/png", "x", 403, /No folder/],
      ["uploads/../a.png", "image/png", "x", 400, /key/],
    ])("%s of type %s is refused", async (key, type, body, status, words) => {
      const answer = await put(key, type, body);
      expect(answer.status).toBe(status);
      expect(await detail(answer)).toMatch(words);
      expect(objects.kept.size).toBe(0);
    });

    test("of no declared length is counted as it comes", async () => {
      const status = await new Promise((resolve, reject) => {
        const asked = request(`${served.api}/objects/files/any%2Fa`, { method: "PUT" })
          .on("response", (response) => resolve(response.statusCode))
          .on("error", reject);
        asked.write("12345678");
        asked.end("90ab");
      });
      expect(status).toBe(413);
      expect(objects.kept.size).toBe(0);
    });

    test("of another site is refused", async () => {
      const answer = await fetch(`${served.api}/objects/files/uploads%2Fa.png`, {
        method: "PUT",
        headers: { "content-type": "image/png", origin: "https://evil.example" },
        body: "x",
      });
      expect(answer.status).toBe(403);
      expect(objects.kept.size).toBe(0);
    });
  });

  describe("an object", () => {
    const stored = async (contentType: string, key = "uploads/a") => {
      await objects.store.put(key, "<script>alert(1)</script>", { contentType });
      return fetch(`${served.api}/objects/files/${encodeURIComponent(key)}`);
    };

    test("that is a picture is sent as one", async () => {
      const { headers } = await stored("image/png");
      expect(headers.get("content-type")).toBe("image/png");
      expect(headers.get("content-disposition")).toBeNull();
    });

    test.each(["image/svg+xml", "text/html", "application/pdf", "text/plain"])(
      "of type %s is saved as a file, never shown",
      async (type) => {
        const { headers } = await stored(type, "uploads/x/ä.svg");
        expect(headers.get("content-type")).toBe("application/octet-stream");
        expect(headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''%C3%A4.svg");
      },
    );

    test.each(["image/png", "text/html"])("of type %s can run nothing", async (type) => {
      const { headers } = await stored(type);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
      expect(headers.get("content-security-policy")).toBe(
        "default-src 'none'; sandbox; frame-ancestors 'none'",
      );
    });

    test("is not sent again while it is the same", async () => {
      const { headers } = await stored("image/png");
      const again = await fetch(`${served.api}/objects/files/uploads%2Fa`, {
        headers: { "if-none-match": headers.get("etag") ?? "" },
      });
      expect(again.status).toBe(304);
    });

    test("that there is not, or in a store that there is not, is 404", async () => {
      for (const path of ["files/none", "nowhere/a"])
        expect((await fetch(`${served.api}/objects/${path}`)).status).toBe(404);
    });

    test("is neither posted nor deleted here", async () => {
      expect((await served.post("/objects/files/uploads%2Fa", {})).status).toBe(405);
      const asked = fetch(`${served.api}/objects/files/uploads%2Fa`, { method: "DELETE" });
      expect((await asked).status).toBe(405);
    });
  });

  describe("a mail's HTML", () => {
    test("has an address of its own, where nothing runs and nothing is loaded", async () => {
      const answer = await fetch(`${served.api}/mails/2/html`);
      expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(await answer.text()).toContain("<p>hi");
      const policy = answer.headers.get("content-security-policy");
      expect(policy).toMatch(/^default-src 'none';/);
      expect(policy).toMatch(/; sandbox allow-popups allow-popups-to-escape-sandbox$/);
      expect(policy).not.toMatch(/script|https?:|allow-scripts|allow-same-origin/);
    });

    test("is 404 for a mail that has none, and for one that there is not", async () => {
      for (const id of ["1", "3"])
        expect((await fetch(`${served.api}/mails/${id}/html`)).status).toBe(404);
    });

    test("is not part of the state", async () => {
      const state = await served.state();
      expect(state.mails.map(({ html }) => html)).toEqual([false, true]);
      expect(JSON.stringify(state)).not.toContain("<p>hi");
    });
  });

  test("a system without schedules and workflows has none of both", async () => {
    const bare = await serveDashboard();
    expect((await bare.post("/schedules/daily/run", {})).status).toBe(404);
    expect((await bare.post("/workflows/saga/executions", { input: {} })).status).toBe(404);
    expect(await bare.state()).toMatchObject({ schedules: [], workflows: [], posts: [] });
    await bare.close();
  });
});

describe("the types that a folder takes", () => {
  test.each([
    ["image/png", true],
    ["IMAGE/PNG; q=1", true],
    ["text/plain; charset=utf-8", true],
    ["text/html", false],
    ["imagery/png", false],
    ["", false],
  ])("%j: %s", (type, taken) => {
    expect(accepts({ prefix: "a/", contentTypes: ["image/*", "text/plain"] }, type)).toBe(taken);
  });

  test("are all where none is named", () => {
    expect(accepts({ prefix: "a/" }, "text/html")).toBe(true);
  });
});
