import type { PortsOf } from "../../../../functions/ports.ts";
import type { HttpHandler } from "../../../../runtime/ports/index.ts";
import type { system } from "../../../../system.ts";
import type { World } from "./world.ts";

export type WorkloadName = keyof (typeof system)["workloads"];

/** All that a workload does, by way of its own code. Throws where something failed. */
export type Scenario<W extends WorkloadName> = (ports: PortsOf<W>, world: World) => Promise<void>;
export type Scenarios = { readonly [W in WorkloadName]?: Scenario<W> };

export const user = { userId: "ada", email: "ada@example.com" };
export const verify = async () => ({ sub: user.userId, email: user.email });

/** Secrets that are ours to choose, by the names of system.ts. */
export const keys = {
  "stripe-webhook": "whsec_stripe",
  "github-webhook": "It's a Secret to Everybody",
  "twilio-webhook": "12345",
  "standard-webhook": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  "payments-key": "sk_test",
};

/** Asks an app, as a client that is signed in, for one of these; answers the answer's JSON. */
export async function ask(
  app: HttpHandler,
  request: string,
  statuses: number | readonly number[],
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
  // biome-ignore lint/suspicious/noExplicitAny: answers are the workload's business
): Promise<any> {
  const [method, path] = request.split(" ");
  const asked = new Request(`https://shop.example${path}`, {
    method,
    headers: { authorization: "Bearer x", "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const response = await app.fetch(asked, { requestId: "test", claims: await verify() });
  const text = await response.text();
  if (![statuses].flat().includes(response.status))
    throw new Error(`${request} answered ${response.status}: ${text}`);
  return response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
}

/** A message as a queue delivers it. */
export const message = <T>(body: T, id = "message-1") => ({
  id,
  body,
  receives: 1,
  sentAt: new Date(),
});
