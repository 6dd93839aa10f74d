import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Bench, ratio, result, shown } from "../result.ts";
import { serverOf } from "../server.ts";
import { throughput } from "./load.ts";

const served = path.join(import.meta.dirname, "serve.ts");

async function tokenFrom(gateway: string): Promise<string> {
  const post = async (action: string, body: unknown) => {
    const response = await fetch(`${gateway}/api/auth/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`bench: ${action} answered ${response.status}`);
    return (await response.text()) || "{}";
  };
  const email = "bench@example.com";
  const password = "correct horse battery";
  await post("sign-up", { email, password });
  const state = await (await fetch(`${gateway}/_spillway/api/state`)).text();
  const code = /\b\d{6}\b/.exec(JSON.stringify((JSON.parse(state) as { mails: unknown }).mails));
  await post("confirm", { email, code: code?.[0] });
  return (JSON.parse(await post("sign-in", { email, password })) as { accessToken: string })
    .accessToken;
}

/** The local gateway against the same app on a bare Hono server, in turn. */
export const gateway: Bench = async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "spillway-bench-"));
  const servers = [
    await serverOf(served, "gateway", folder),
    await serverOf(served, "bare"),
  ] as const;
  const [ours, bare] = servers;
  try {
    const headers = { authorization: `Bearer ${await tokenFrom(ours.url)}` };
    const alone = () => throughput(`${bare.url}/hello/ada`);
    const open = await ratio(5, () => throughput(`${ours.url}/hello/ada`), alone);
    const guarded = await ratio(5, () => throughput(`${ours.url}/me/ada`, headers), alone);
    return [
      result("gateway: public route / bare Hono server", open.ratio, "ratio", ">=", 0.8),
      result("gateway: protected route / bare Hono server", guarded.ratio, "ratio", ">=", 0.6),
      shown("gateway: public route", open.a, "requests/s"),
      shown("gateway: protected route", guarded.a, "requests/s"),
      shown("gateway: bare Hono server", open.b, "requests/s"),
    ];
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
};
