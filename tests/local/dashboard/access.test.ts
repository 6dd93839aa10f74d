import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../../../local/dashboard/access.ts";

const ask = (headers: IncomingHttpHeaders, method = "GET", remoteAddress = "127.0.0.1") =>
  refusalOf({ method, headers, remoteAddress }, 8787);

const host = "127.0.0.1:8787";
const json = { host, "content-type": "application/json" };

describe("who may see the dashboard", () => {
  test.each(["127.0.0.1:8787", "localhost:8787", "LOCALHOST:8787", "[::1]:8787"])(
    "Host %s may",
    (name) => {
      expect(ask({ host: name })).toBeUndefined();
    },
  );

  test.each([
    "evil.example:8787",
    "127.0.0.1",
    "127.0.0.1:8788",
    "localhost.evil.example:8787",
    "127.0.0.1.evil.example:8787",
    "",
  ])("Host %j may not (DNS rebinding)", (name) => {
    expect(ask({ host: name })).toMatch(/Host/);
  });

  test("a request without a Host may not", () => {
    expect(ask({})).toMatch(/Host/);
  });

  test.each(["::ffff:127.0.0.1", "::1", "127.0.0.2"])("address %s may", (address) => {
    expect(ask({ host }, "GET", address)).toBeUndefined();
  });

  test.each(["192.168.1.7", "::ffff:10.0.0.1", "2001:db8::1"])("address %s may not", (address) => {
    expect(ask({ host }, "GET", address)).toMatch(/this machine/);
  });

  test("the port may be left out on port 80", () => {
    const asked = { method: "GET", headers: { host: "localhost" }, remoteAddress: "127.0.0.1" };
    expect(refusalOf(asked, 80)).toBeUndefined();
  });
});

describe("what other sites may do", () => {
  test.each(["https://evil.example", "http://localhost:8787", "http://127.0.0.1:5173", "null"])(
    "Origin %s may not ask",
    (origin) => {
      expect(ask({ host, origin })).toMatch(/Origin/);
    },
  );

  test("the dashboard's own Origin may ask and act", () => {
    expect(ask({ ...json, origin: `http://${host}` }, "POST")).toBeUndefined();
  });

  test.each(["cross-site", "same-site"])("a %s script without Origin may not ask", (site) => {
    expect(ask({ host, "sec-fetch-site": site, "sec-fetch-dest": "script" })).toMatch(/site/);
  });

  test("a link on another site may lead here", () => {
    const headers = { host, "sec-fetch-site": "cross-site", "sec-fetch-dest": "document" };
    expect(ask(headers)).toBeUndefined();
    expect(ask({ ...headers, ...json }, "POST")).toMatch(/site/);
  });

  test("a form's media types cannot act", () => {
    expect(ask({ host, "content-type": "text/plain" }, "POST")).toMatch(/application\/json/);
    expect(ask({ host }, "POST")).toMatch(/application\/json/);
  });

  test("an upload may be of any type, and of no other site", () => {
    const upload = { host, "content-type": "image/png" };
    expect(ask(upload, "PUT")).toBeUndefined();
    expect(ask({ ...upload, origin: "https://evil.example" }, "PUT")).toMatch(/Origin/);
    expect(ask({ ...upload, "sec-fetch-site": "cross-site" }, "PUT")).toMatch(/site/);
  });

  test("curl may act with JSON", () => {
    expect(ask(json, "POST")).toBeUndefined();
  });
});
