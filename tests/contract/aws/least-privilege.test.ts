import { createHmac } from "node:crypto";
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { broadByNecessity } from "../../../components/aws/permissions.ts";
import { bundled } from "../../../components/shared/bundling.ts";
import { create as createAuth } from "../../../functions/auth/index.ts";
import { create as createMailCode } from "../../../functions/mail-code/index.ts";
import { create as createSignUpRules } from "../../../functions/sign-up-rules/index.ts";
import { create as createUsers } from "../../../functions/users/index.ts";
import { create as createWebhooks } from "../../../functions/webhooks/index.ts";
import { create as createWelcome } from "../../../functions/welcome/index.ts";
import { identity } from "../../../runtime/adapters/aws/identity.ts";
import { queue } from "../../../runtime/adapters/aws/queue.ts";
import { secrets } from "../../../runtime/adapters/aws/secrets.ts";
import { table } from "../../../runtime/adapters/aws/table.ts";
import { guard } from "../../../runtime/http/guard.ts";
import { system } from "../../../system.ts";
import { type hooks, type served, storefront } from "../../components/aws/fixtures.ts";
import type { Statement } from "../../components/harness.ts";
import { recorder } from "../recording.ts";
import { emulator } from "./emulator.ts";
import { createPool, createQueue, createSecret, createTable } from "./resources.ts";

type Graph = Awaited<ReturnType<typeof storefront>>;
type Workload = (typeof served)[number] | (typeof hooks)[number];

/** Sids of what the platform needs to run any function: logs and traces, no call of the workload. */
const platform = ["Logs", "Traces"];
const publicUrl = "https://shop.example";
const context = { requestId: "test", claims: { sub: "ada" } };
const user = { userId: "ada", email: "ada@example.com" };

/**
 * Each workload does all that it can against the emulator, every SDK call recorded: actions and
 * resources of those calls are its policy, none missing and none to spare.
 */
describe("least privilege", () => {
  const clients = {
    dynamodb: new DynamoDBClient(emulator),
    sqs: new SQSClient(emulator),
    secrets: new SecretsManagerClient(emulator),
    cognito: new CognitoIdentityProviderClient(emulator),
  };
  const seen = recorder();
  const recorded = {
    dynamodb: seen.plugin(new DynamoDBClient(emulator)),
    sqs: seen.plugin(new SQSClient(emulator)),
    secrets: seen.plugin(new SecretsManagerClient(emulator)),
    cognito: seen.plugin(new CognitoIdentityProviderClient(emulator)),
  };
  let graph: Graph;
  /** What stands for the graph's resources in the emulator, by logical name. */
  const made = new Map<string, { arn: string; location: string }>();
  const values: Record<string, string> = {
    "stripe-webhook": "whsec_stripe",
    "github-webhook": "It's a Secret to Everybody",
    "twilio-webhook": "12345",
    "standard-webhook": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  };

  beforeAll(async () => {
    const arn = (service: string, name: string) =>
      `arn:aws:${service}:${emulator.region}:123456789012:${name}`;
    const catalog = await createTable(clients.dynamodb);
    made.set("stores-catalog", { arn: arn("dynamodb", `table/${catalog}`), location: catalog });
    for (const name of ["inbox", "mails"]) {
      const { location } = await createQueue(clients.sqs);
      made.set(`stores-${name}`, { arn: arn("sqs", location.split("/").at(-1) ?? ""), location });
    }
    for (const [name, value] of Object.entries(values)) {
      const location = await createSecret(clients.secrets, value);
      made.set(`stores-${name}`, { arn: location, location });
    }
    graph = await storefront({
      outputs: ({ name }) => {
        const at = made.get(name);
        return at && { arn: at.arn, name: at.location, url: at.location };
      },
    });
  });
  afterAll(() => {
    for (const client of [...Object.values(clients), ...Object.values(recorded)]) client.destroy();
  });

  const at = (name: string) => made.get(`stores-${name}`)?.location ?? "";
  const catalog = () =>
    table({ name: "catalog", location: at("catalog"), client: recorded.dynamodb });
  const sender = (name: string) => queue({ name, location: at(name), client: recorded.sqs });

  /** All that a workload does, by way of its own code. Each throws where something failed. */
  const scenarios: Record<Workload, () => Promise<void>> = {
    async users() {
      const app = guard(createUsers({ catalog: catalog() }), {
        auth: "jwt",
        verify: async () => context.claims,
      });
      const headers = { authorization: "Bearer x", "content-type": "application/json" };
      const url = `${publicUrl}/users`;
      const body = '{"name":"Ada"}';
      await expectStatus(app, new Request(url, { method: "POST", headers, body }), 201);
      await expectStatus(app, new Request(url, { method: "POST", headers, body }), 409);
      await expectStatus(app, new Request(`${url}/ada`, { headers }), 200);
    },
    async auth() {
      const { location } = await createPool(clients.cognito);
      const port = identity({ name: "identity", location, client: recorded.cognito });
      const app = guard(createAuth({ identity: port }), { auth: "none" });
      const post = async (action: string, body: unknown, headers: Record<string, string> = {}) => {
        const request = new Request(`${publicUrl}/api/auth/${action}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(body),
        });
        return app.fetch(request, context);
      };
      const credentials = { email: user.email, password: "Correct horse 1 battery" };
      await post("sign-up", credentials);
      await post("resend", { email: user.email });
      await post("confirm", { email: user.email, code: "123456" });
      const tokens = (await (await post("sign-in", credentials)).json()) as Record<string, string>;
      expect(tokens).toHaveProperty("accessToken");
      await post("refresh", { refreshToken: tokens.refreshToken });
      await post("sign-out", {}, { authorization: `Bearer ${tokens.accessToken}` });
    },
    async webhooks() {
      const names = Object.keys(values);
      const locations = Object.fromEntries(names.map((name) => [name, at(name)]));
      const ports = {
        edge: { url: publicUrl },
        inbox: sender("inbox"),
        secrets: secrets({ locations, client: recorded.secrets }),
      };
      const app = guard(createWebhooks(ports), { auth: "none" });
      for (const [source, headers] of Object.entries(signed("{}"))) {
        const request = new Request(`${publicUrl}/webhooks/${source}`, {
          method: "POST",
          headers,
          body: source === "twilio" ? "" : "{}",
        });
        await expectStatus(app, request, 200);
      }
    },
    async signUpRules() {
      const rules = createSignUpRules();
      await rules.preSignUp?.({ email: user.email });
      await rules.preToken?.(user);
    },
    async welcome() {
      await createWelcome({ mails: sender("mails") }).postConfirmation?.(user);
    },
    async mailCode() {
      const code = createMailCode({ mails: sender("mails") });
      await code.defineChallenge?.(user, []);
      const question = await code.createChallenge?.(user, []);
      await code.verifyChallenge?.(user, question?.expected ?? {}, "000000");
    },
  };

  it("is shown for every workload that is deployed as a function", () => {
    expect(Object.keys(scenarios).sort()).toEqual(bundled(system).sort());
  });

  for (const [workload, run] of Object.entries(scenarios))
    it(`${workload} may do what it does, and nothing else`, async () => {
      seen.clear();
      await run();
      expect(seen.calls().map(line)).toEqual(granted(graph, workload));
    });

  it("no policy has a wildcard but where the service has none finer, each with its reason", () => {
    const broad = graph
      .all("aws:iam/rolePolicy:RolePolicy")
      .flatMap(({ name }) => graph.policy(name).Statement)
      .filter(({ Action, Resource }) => [...Action, ...Resource].some((text) => text.includes("*")))
      .map(({ Sid = "" }) => Sid);
    expect(broad.length).toBeGreaterThan(0);
    expect(broad.filter((sid) => !broadByNecessity[sid])).toEqual([]);
  });

  /** Headers with which each provider signs this body. */
  function signed(body: string): Record<string, Record<string, string>> {
    const now = Math.floor(Date.now() / 1000);
    const sha256 = (name: string, text: string) =>
      createHmac("sha256", values[name] ?? "")
        .update(text)
        .digest("hex");
    const twilio = createHmac("sha1", values["twilio-webhook"] ?? "").update(
      `${publicUrl}/webhooks/twilio`,
    );
    const standard = new Webhook(values["standard-webhook"] ?? "");
    return {
      stripe: { "stripe-signature": `t=${now},v1=${sha256("stripe-webhook", `${now}.${body}`)}` },
      github: { "x-hub-signature-256": `sha256=${sha256("github-webhook", body)}` },
      twilio: {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": twilio.digest("base64"),
      },
      "standard-webhooks": {
        "webhook-id": "msg_1",
        "webhook-timestamp": String(now),
        "webhook-signature": standard.sign("msg_1", new Date(now * 1000), body),
      },
    };
  }
});

const line = ({ action, resource }: { action: string; resource: string }) =>
  `${action} ${resource}`;

/** What a workload's policy allows beyond the platform's own, as `action resource`. */
function granted(graph: Graph, workload: string): string[] {
  const { name } = graph
    .all("aws:iam/rolePolicy:RolePolicy")
    .find((policy) => policy.name.endsWith(`-${workload}-policy`)) ?? { name: "" };
  return graph
    .policy(name)
    .Statement.filter(({ Sid = "" }: Statement) => !platform.includes(Sid))
    .flatMap(({ Action, Resource }) =>
      Action.flatMap((action) => Resource.map((resource) => `${action} ${resource}`)),
    )
    .sort();
}

async function expectStatus(
  app: ReturnType<typeof guard>,
  request: Request,
  status: number,
): Promise<void> {
  const response = await app.fetch(request, context);
  if (response.status !== status)
    throw new Error(`${request.url} answered ${response.status}: ${await response.text()}`);
}
