/** A server of its own process for the gateway's benchmark: `serve.ts gateway <folder>` or `serve.ts bare`. */
import path from "node:path";
import { serve } from "@hono/node-server";
import { startHost } from "../../local/host.ts";
import { readSettings } from "../../local/settings.ts";
import { defineSystem, edge, http, identity } from "../../spec/index.ts";
import { create as hello } from "./hello/index.ts";

const load = { perDay: 1e6, shape: "steady", ms: { p50: 1, p99: 5 }, memoryMb: 128 } as const;
const throttle = { perSecond: 1_000_000, burst: 1_000_000 };

const system = defineSystem({
  name: "bench",
  services: { edge: edge({ throttle }), identity: identity() },
  workloads: {
    auth: http({
      code: "functions/auth",
      routes: ["POST /api/auth/{action}"],
      auth: "none",
      uses: { identity: "sign-in" },
      load,
    }),
    hello: http({ code: "bench/edge/hello", routes: ["GET /hello/{name}"], auth: "none", load }),
    me: http({ code: "bench/edge/me", routes: ["GET /me/{name}"], load }),
  },
});

const root = path.resolve(import.meta.dirname, "../..");
const [which, folder] = process.argv.slice(2);
if (which === "gateway") {
  const settings = readSettings({ PORT: "0", SPILLWAY_DATA: folder }, root);
  const host = await startHost({ system, root, settings });
  console.log(`ready ${host.url}`);
  process.once("SIGTERM", () => void host.stop().then(() => process.exit(0)));
} else {
  const app = hello();
  const context = { requestId: "bench" };
  const server = serve(
    { fetch: (request) => app.fetch(request, context), port: 0, hostname: "127.0.0.1" },
    ({ port }) => console.log(`ready http://127.0.0.1:${port}`),
  );
  process.once("SIGTERM", () => server.close(() => process.exit(0)));
}
