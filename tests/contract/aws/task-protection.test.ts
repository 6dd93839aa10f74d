import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { taskProtection } from "../../../runtime/adapters/aws/task-protection.ts";

/** The agent beside a task, which answers as ECS documents it. */
async function agent(answer: { readonly status?: number; readonly body?: object } = {}) {
  const asked: unknown[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    asked.push([request.method, request.url, JSON.parse(text)]);
    response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer.body ?? { protection: { ProtectionEnabled: true } }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { readonly port: number };
  return { asked, url: `http://127.0.0.1:${port}/api/task-1` };
}
const state = "/api/task-1/task-protection/v1/state";
const held = ["PUT", state, { ProtectionEnabled: true, ExpiresInMinutes: 60 }];

describe("protection of a task", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });

  it("is asked of the agent, and given back", async () => {
    const { asked, url } = await agent();
    vi.stubEnv("ECS_AGENT_URI", url);
    const protection = taskProtection();
    await protection?.hold();
    await protection?.release();
    expect(asked).toEqual([held, ["PUT", state, { ProtectionEnabled: false }]]);
  });

  it("is renewed in time while it is held, and not after", async () => {
    const { asked, url } = await agent();
    const protection = taskProtection({ agent: url });
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    await protection?.hold();
    vi.advanceTimersByTime(40 * 60_000);
    await vi.waitFor(() => expect(asked).toEqual([held, held, held]));
    await protection?.release();
    vi.advanceTimersByTime(120 * 60_000);
    expect(asked).toHaveLength(4);
  });

  it.each([
    ["a failure", { body: { failure: { Reason: "DEPLOYMENT_BLOCKED" } } }, "DEPLOYMENT_BLOCKED"],
    ["an error", { status: 400, body: { error: { Code: "AccessDenied" } } }, "AccessDenied"],
    ["another status", { status: 500, body: {} }, "500"],
  ])("is refused with %s, which says why", async (_, answer, why) => {
    const { url } = await agent(answer);
    const protection = taskProtection({ agent: url });
    await expect(protection?.hold()).rejects.toThrow(`task protection: refused (${why}); see`);
    await expect(protection?.release()).rejects.toThrow(why);
  });

  it("is none where there is no agent", () => {
    vi.stubEnv("ECS_AGENT_URI", undefined);
    expect(taskProtection()).toBeUndefined();
  });
});
