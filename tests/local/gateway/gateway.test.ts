import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lab, type Started, start, temporary } from "../harness.ts";

describe("the gateway of a running system", () => {
  const data = temporary();
  let host: Started;
  beforeAll(async () => {
    host = await start(lab, data.folder);
  });
  afterAll(async () => {
    await host.end();
    data.remove();
  });
  const json = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${host.url}${path}`, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  describe("routes", () => {
    test("ANY answers every method", async () => {
      for (const method of ["GET", "PUT", "PATCH", "DELETE"])
        expect(await json("/echo/a/b", { method })).toMatchObject({
          status: 200,
          body: { method, path: "/echo/a/b" },
        });
    });

    test("what is not declared is a 404 in the form of RFC 9457", async () => {
      const response = await fetch(`${host.url}/nowhere`);
      expect(response.status).toBe(404);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(await response.json()).toMatchObject({ status: 404, code: "not-found" });
    });

    test("a method that is not declared is a 404, as at API Gateway", async () => {
      expect((await json("/notes")).status).toBe(404);
      expect((await fetch(`${host.url}/broken`, { method: "HEAD" })).status).toBe(404);
    });

    test("a workload without code answers 501 and names the file to write", async () => {
      expect(await json("/absent")).toMatchObject({
        status: 501,
        body: { detail: "functions/absent/index.ts does not exist; write it." },
      });
    });

    test("a workload that does not load answers 501, and the others run", async () => {
      expect(await json("/broken")).toMatchObject({
        status: 501,
        body: { detail: "functions/broken/index.ts: this module does not load" },
      });
      expect(host.log()).toContain('workload "broken": functions/broken/index.ts: this module');
    });

    test("a workload whose database is not brought up to date answers 501 and says why", async () => {
      expect(await json("/ledger")).toMatchObject({
        status: 501,
        body: {
          detail: expect.stringMatching(/^sql "books": no folder .*ledger\/migrations; put/),
        },
      });
    });

    test("a workload that needs a token answers nobody without one", async () => {
      const { status, headers } = await fetch(`${host.url}/locked`);
      expect(status).toBe(401);
      expect(headers.get("www-authenticate")).toBe("Bearer");
    });
  });

  describe("what a workload is given", () => {
    test("the request as it was sent, its id and its client", async () => {
      const { body } = await json("/echo/x?a=%41&b", { method: "POST", body: "ü" });
      expect(body).toMatchObject({ target: "/echo/x?a=%41&b", body: "ü", clientIp: "127.0.0.1" });
    });

    test("the ports and verbs that it declares, and no more", async () => {
      expect((await json("/echo/x")).body).toMatchObject({
        ports: { edge: ["url"] },
        url: host.url,
      });
      const made = await host.post("/notes", { id: "ports", text: "" });
      expect(await made.json()).toMatchObject({ ports: ["get", "put"] });
    });
  });

  describe("answers", () => {
    test("carry the request's id", async () => {
      const response = await fetch(`${host.url}/echo/x`);
      const { requestId } = (await response.json()) as { requestId: string };
      expect(response.headers.get("x-request-id")).toBe(requestId);
      expect((await fetch(`${host.url}/nowhere`)).headers.get("x-request-id")).toMatch(
        /^[\w-]{36}-\d+$/,
      );
    });

    test("of a fault say nothing of the inside", async () => {
      const response = await fetch(`${host.url}/fault`);
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain("inside");
      expect(host.log()).toContain("a secret of the inside");
    });

    test("to a body that is too large are 413", async () => {
      expect((await host.post("/notes", { id: "big", text: "x".repeat(2048) })).status).toBe(413);
    });

    test("to what is no request are 400, and the gateway lives on", async () => {
      const { port } = new URL(host.url);
      const status = await new Promise((resolve, reject) => {
        request({ port, host: "127.0.0.1", path: "/echo/x", headers: { host: "a b" } })
          .on("response", (response) => resolve(response.resume().statusCode))
          .on("error", reject)
          .end();
      });
      expect(status).toBe(400);
      expect((await fetch(`${host.url}/echo/x`)).status).toBe(200);
    });
  });

  describe("CORS", () => {
    const preflight = (origin: string) =>
      fetch(`${host.url}/notes`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });

    test("a preflight of a declared origin is granted, without a token", async () => {
      const { status, headers } = await preflight("http://localhost:5173");
      expect(status).toBe(204);
      expect(Object.fromEntries(headers)).toMatchObject({
        "access-control-allow-origin": "http://localhost:5173",
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
        vary: "Origin",
      });
    });

    test("a preflight of another origin is granted nothing", async () => {
      const { headers } = await preflight("https://evil.example");
      expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    });

    test("answers, failures too, may be read by a declared origin alone", async () => {
      for (const path of ["/echo/x", "/nowhere", "/fault"]) {
        const allowed = (origin: string) =>
          fetch(`${host.url}${path}`, { headers: { origin } }).then(({ headers }) =>
            headers.get("access-control-allow-origin"),
          );
        expect(await allowed("http://localhost:5173")).toBe("http://localhost:5173");
        expect(await allowed("https://evil.example")).toBeNull();
      }
    });
  });

  test("a route over its throttle answers 429 and says when to come back", async () => {
    const ask = () => fetch(`${host.url}/limited/0`);
    const answers = await Promise.all(Array.from({ length: 12 }, ask));
    const refused = answers.filter(({ status }) => status === 429);
    // Three at once; a slow machine lets through one more for each second that it takes.
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(3);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.headers.get("retry-after")).toBe("1");
    expect(await refused[0]?.json()).toMatchObject({ code: "throttled" });
    // Its neighbours have buckets of their own.
    expect((await fetch(`${host.url}/echo/x`)).status).toBe(200);
  });

  test("recent requests are noted with their latency, without their query", async () => {
    await fetch(`${host.url}/echo/noted?token=geheim`);
    const { requests } = await host.until((state) =>
      state.requests.recent.some(({ path }) => path === "/echo/noted"),
    );
    expect(requests.recent[0]).toMatchObject({ method: "GET", status: 200, workload: "echo" });
    expect(requests.recent[0]?.ms).toBeGreaterThan(0);
    expect(JSON.stringify(requests)).not.toContain("geheim");
  });
});
