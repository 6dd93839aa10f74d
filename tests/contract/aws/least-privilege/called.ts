import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { create as createAuth } from "../../../../functions/auth/index.ts";
import { create as createCheckouts } from "../../../../functions/checkouts/index.ts";
import { create as createMailCode } from "../../../../functions/mail-code/index.ts";
import { create as createReports } from "../../../../functions/reports/index.ts";
import { create as createSignUpRules } from "../../../../functions/sign-up-rules/index.ts";
import { create as createTrack } from "../../../../functions/track/index.ts";
import { create as createUsers } from "../../../../functions/users/index.ts";
import { create as createWebhooks } from "../../../../functions/webhooks/index.ts";
import { create as createWelcome } from "../../../../functions/welcome/index.ts";
import { guard } from "../../../../runtime/http/guard.ts";
import { ask, keys, type Scenarios, user, verify } from "./scenario.ts";

/** Workloads that clients call, or the user pool. */
export const called = {
  async users({ catalog, media }, world) {
    const app = guard(createUsers({ catalog, media }), { auth: "jwt", verify });
    await ask(app, "POST /users", 201, { name: "Ada" });
    await ask(app, "POST /users", 409, { name: "Ada" });
    await ask(app, "GET /users/ada", 200);
    const file = { name: "a.png", contentType: "image/png", bytes: 4 };
    const form = await ask(app, "POST /users/ada/uploads", 201, file);
    await world.submit(form, "abcd");
    // What thumbnails and scan would have written.
    const { key } = form.fields;
    const size = { name: "thumb", key, width: 1, height: 1, bytes: 4 };
    const image = { bytes: 4, width: 1, height: 1, contentType: "image/png", sizes: [size] };
    const pk = `IMAGE#${key}`;
    await world.catalog.put({ pk, sk: "META" }, { ...image, version: "1" });
    await world.catalog.put({ pk, sk: "SCAN" }, { status: "clean", version: "1" });
    const { sizes } = await ask(app, `GET /users/ada/uploads/${form.id}`, 200);
    await world.follow(sizes[0].url);
  },

  async auth({ identity }) {
    const app = guard(createAuth({ identity }), { auth: "none" });
    const credentials = { email: user.email, password: "Correct horse 1 battery" };
    await ask(app, "POST /api/auth/sign-up", 201, credentials);
    // moto does not know this call, which needs nothing of IAM.
    await ask(app, "POST /api/auth/resend", [202, 503], { email: user.email });
    await ask(app, "POST /api/auth/confirm", 204, { email: user.email, code: "123456" });
    const { accessToken, refreshToken } = await ask(
      app,
      "POST /api/auth/sign-in",
      200,
      credentials,
    );
    await ask(app, "POST /api/auth/refresh", 200, { refreshToken });
    const authorization = `Bearer ${accessToken}`;
    await ask(app, "POST /api/auth/sign-out", 204, {}, { authorization });
  },

  async webhooks(ports) {
    const app = guard(createWebhooks(ports), { auth: "none" });
    for (const [source, headers] of Object.entries(signed("{}", ports.edge.url))) {
      const body = source === "twilio" ? "" : "{}";
      await ask(app, `POST /webhooks/${source}`, 200, body, headers);
    }
  },

  async signUpRules() {
    const rules = createSignUpRules();
    await rules.preSignUp?.({ email: user.email });
    await rules.preToken?.(user);
  },

  async welcome(ports) {
    await createWelcome(ports).postConfirmation?.(user);
  },

  async mailCode(ports) {
    const code = createMailCode(ports);
    await code.defineChallenge?.(user, []);
    const question = await code.createChallenge?.(user, []);
    await code.verifyChallenge?.(user, question?.expected ?? {}, "000000");
  },

  async track(ports) {
    const app = guard(createTrack(ports), { auth: "none" });
    await ask(app, "POST /clicks", 202, { clicks: [{ page: "/", session: "s1" }] });
  },

  async checkouts(ports) {
    const app = guard(createCheckouts(ports), { auth: "jwt", verify });
    const order = {
      items: [{ sku: "print-a4", quantity: 1 }],
      source: "tok_ok",
      email: user.email,
    };
    const key = { "idempotency-key": "order-1" };
    const { statusUrl } = await ask(app, "POST /checkouts", 202, order, key);
    await ask(app, "POST /checkouts", 202, order, key);
    await ask(app, `GET ${statusUrl}`, 200);
  },

  async reports(ports, world) {
    const app = guard(createReports(ports), { auth: "jwt", verify });
    const span = { from: "2026-11-01", to: "2026-11-02" };
    const key = { "idempotency-key": "report-1" };
    const { id, statusUrl } = await ask(app, "POST /reports", 202, span, key);
    await ask(app, "POST /reports", 202, span, key);
    // What the job would have made.
    const [csv, pdf] = [`reports/${id}/report.csv`, `reports/${id}/report.pdf`];
    const row = { pk: `REPORT#${id}`, sk: "META" };
    for (const file of [csv, pdf]) await world.media.put(file, "made");
    const ordered = await world.catalog.get(row);
    await world.catalog.put(row, { ...ordered, status: "done", progress: 1, csv, pdf });
    const { links } = await ask(app, `GET ${statusUrl}`, 200);
    await world.follow(links.csv);
    await world.follow(links.pdf);
  },
} satisfies Scenarios;

/** Headers with which each provider signs this body. */
function signed(body: string, publicUrl: string): Record<string, Record<string, string>> {
  const now = Math.floor(Date.now() / 1000);
  const sha256 = (name: keyof typeof keys, text: string) =>
    createHmac("sha256", keys[name]).update(text).digest("hex");
  const twilio = createHmac("sha1", keys["twilio-webhook"]).update(`${publicUrl}/webhooks/twilio`);
  const standard = new Webhook(keys["standard-webhook"]);
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
