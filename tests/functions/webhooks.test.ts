import { createHash, createHmac } from "node:crypto";
import { sign as octokitSign } from "@octokit/webhooks-methods";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, test, vi } from "vitest";
import { create as createRecorder } from "../../functions/webhook-events/index.ts";
import { create } from "../../functions/webhooks/index.ts";
import { schemes } from "../../functions/webhooks/schemes.ts";
import { guard } from "../../runtime/http/guard.ts";
import {
  type ErrorCode,
  type Json,
  type JsonObject,
  PortError,
} from "../../runtime/ports/index.ts";
import { contextOf, memoryTable, messageOf, queueFake, topicFake } from "./fakes.ts";

const publicUrl = "https://shop.example";
const values: Record<string, string> = {
  "stripe-webhook": "whsec_test_secret",
  "github-webhook": "It's a Secret to Everybody",
  "twilio-webhook": "12345",
  "standard-webhook": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};

type Body = string | Uint8Array<ArrayBuffer>;
const bytes = (body: Body) => Buffer.from(body as Uint8Array);
const now = () => Math.floor(Date.now() / 1000);
const hex = (secret: string, ...parts: Body[]) =>
  parts
    .reduce((hmac, part) => hmac.update(bytes(part)), createHmac("sha256", secret))
    .digest("hex");

function setup(options: { queue?: ErrorCode; secrets?: Record<string, string> } = {}) {
  const inbox = queueFake(options.queue);
  const secrets = {
    get: async (name: string) => {
      const value = (options.secrets ?? values)[name];
      if (value === undefined) throw new PortError("not-found", `secrets "${name}": none`);
      return value;
    },
  };
  // As on every host: behind the guard, with the limit of system.ts.
  const handler = guard(create({ edge: { url: publicUrl }, inbox, secrets }), {
    auth: "none",
    maxBodyBytes: 262_144,
  });
  const post = async (path: string, body: Body, headers: Record<string, string>) => {
    const url = `${publicUrl}${path}`;
    const request = new Request(url, { method: "POST", body, headers });
    return handler.fetch(request, { ...contextOf(), target: path });
  };
  return { inbox, post };
}

const stripeHeaders = (body: Body, time: number | string = now()) => ({
  "content-type": "application/json",
  "stripe-signature": `t=${time},v1=${hex(values["stripe-webhook"] as string, `${time}.`, body)}`,
});
const githubHeaders = (body: Body) => ({
  "x-hub-signature-256": `sha256=${hex(values["github-webhook"] as string, body)}`,
});
const standardHeaders = (body: string, id = "msg_1", at = new Date()) => ({
  "webhook-id": id,
  "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
  "webhook-signature": new Webhook(values["standard-webhook"] as string).sign(id, at, body),
});
const twilioHeaders = (path: string, parameters: Record<string, string>) => {
  const sorted = Object.keys(parameters).sort();
  const text = publicUrl + path + sorted.map((name) => name + parameters[name]).join("");
  return {
    "content-type": "application/x-www-form-urlencoded",
    "x-twilio-signature": createHmac("sha1", "12345").update(text).digest("base64"),
  };
};

afterEach(() => void vi.restoreAllMocks());

describe("published examples are accepted", () => {
  const at = (headers: Record<string, string>, body: string, url = publicUrl, seconds = 0) => ({
    headers: new Headers(headers),
    body: Buffer.from(body),
    url,
    now: seconds,
  });

  test("GitHub: validating webhook deliveries", () => {
    const signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const headers = { "x-hub-signature-256": `sha256=${signature}` };
    const check = (body: string) =>
      schemes.github?.verify(at(headers, body), "It's a Secret to Everybody");
    expect(check("Hello, World!")).toBeDefined();
    expect(check("Hello, World?")).toBeUndefined();
  });

  // Values from the documentation and the validator's tests of Twilio's own libraries.
  test.each([
    ["+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "https://mycompany.com"],
    ["+14158675310", "GvWf1cFY/Q7PnoempGyD5oXAezc=", "https://mycompany.com"],
    ["+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "https://mycompany.com:1234"],
    ["+14158675309", "kvajT1Ptam85bY51eRf/AJRuM3w=", "https://mycompany.com"],
    ["+14158675309", "0ZXoZLH/DfblKGATFgpif+LLRf4=", "http://mycompany.com"],
    ["+14158675309", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", "http://mycompany.com:1234"],
  ])("Twilio: a form from %s, signed %s at %s", (from, signature, host) => {
    const form = new URLSearchParams({
      To: "+18005551212",
      From: from,
      Digits: "1234",
      Caller: from,
      CallSid: "CA1234567890ABCDE",
    });
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      "x-twilio-signature": signature,
    };
    const delivery = at(headers, form.toString(), `${host}/myapp.php?foo=1&bar=2`);
    expect(schemes.twilio?.verify(delivery, "12345")).toMatch(/^CA1234567890ABCDE:/);
    expect(schemes.twilio?.verify(delivery, "12346")).toBeUndefined();
  });

  test("Twilio: parameters that stand several times", () => {
    const delivery = at(
      {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-twilio-signature": "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
      },
      "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
      "https://mycompany.com/myapp.php?foo=1&bar=2",
    );
    expect(schemes.twilio?.verify(delivery, "12345")).toBeDefined();
  });

  test("Twilio: JSON, by its hash in the address", () => {
    const body = '{"property": "value", "boolean": true}';
    const hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    const delivery = (text: string) =>
      at(
        {
          "content-type": "application/json",
          "x-twilio-signature": "a9nBmqA0ju/hNViExpshrM61xv4=",
        },
        text,
        `https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=${hash}`,
      );
    expect(schemes.twilio?.verify(delivery(body), "12345")).toBeDefined();
    expect(schemes.twilio?.verify(delivery(`${body} `), "12345")).toBeUndefined();
    expect(schemes.twilio?.verify(delivery(""), "12345")).toBeUndefined();
  });

  test("Standard Webhooks: the vector of the reference libraries", () => {
    const headers = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const delivery = at(headers, '{"test": 2432232314}', publicUrl, 1_614_265_330);
    const secret = values["standard-webhook"] as string;
    expect(schemes["standard-webhooks"]?.verify(delivery, secret)).toBe(headers["webhook-id"]);
    expect(schemes["standard-webhooks"]?.verify(delivery, secret.slice(6))).toBeDefined();
  });

  test("Stripe: t and v1, the HMAC computed by another implementation (Python's hmac)", () => {
    const v1 = "88a022085c6bdb887b02cb26ff76dd681234d9675c0f22844059f55552a8883a";
    const headers = { "stripe-signature": `t=1492774577,v1=${v1},v0=6ffbb59b2300aae6` };
    const body = '{"id":"evt_test_webhook","object":"event"}';
    const delivery = at(headers, body, publicUrl, 1_492_774_577);
    expect(schemes.stripe?.verify(delivery, "whsec_test_secret")).toBe("evt_test_webhook");
  });
});

describe("the libraries of the providers sign what is accepted here", () => {
  const bodies = fc.string({ unit: "binary", minLength: 1, maxLength: 200 });

  test("GitHub's", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const { inbox, post } = setup();
        const signature = await octokitSign(values["github-webhook"] as string, body);
        const answer = await post("/webhooks/github", body, { "x-hub-signature-256": signature });
        expect([answer.status, inbox.sent.length]).toEqual([200, 1]);
      }),
    );
  });

  test("Standard Webhooks'", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const { inbox, post } = setup();
        const answer = await post("/webhooks/standard-webhooks", body, standardHeaders(body));
        expect([answer.status, inbox.sent.length]).toEqual([200, 1]);
      }),
    );
  });
});

describe("a webhook that is not what its provider sent", () => {
  const body = '{"id":"evt_1"}';
  const path = "/webhooks/twilio?a=1";
  const form = { MessageSid: "SM1", Body: "hello" };

  test.each<[string, string, Body, Record<string, string>]>([
    ["stripe without a signature", "/webhooks/stripe", body, {}],
    ["stripe with another body", "/webhooks/stripe", `${body} `, stripeHeaders(body)],
    ["stripe from 301 s ago", "/webhooks/stripe", body, stripeHeaders(body, now() - 302)],
    ["stripe from the future", "/webhooks/stripe", body, stripeHeaders(body, now() + 320)],
    ["stripe with a time that is none", "/webhooks/stripe", body, stripeHeaders(body, "1e9")],
    [
      "stripe with half of the signature",
      "/webhooks/stripe",
      body,
      { "stripe-signature": (stripeHeaders(body)["stripe-signature"] ?? "").slice(0, -2) },
    ],
    [
      "stripe in the old scheme alone",
      "/webhooks/stripe",
      body,
      { "stripe-signature": stripeHeaders(body)["stripe-signature"].replace("v1=", "v0=") },
    ],
    ["github without a signature", "/webhooks/github", body, {}],
    [
      "github with an empty signature",
      "/webhooks/github",
      body,
      { "x-hub-signature-256": "sha256=" },
    ],
    [
      "github with characters behind the signature",
      "/webhooks/github",
      body,
      { "x-hub-signature-256": `${githubHeaders(body)["x-hub-signature-256"]}zz` },
    ],
    [
      "github with the old SHA-1 header",
      "/webhooks/github",
      body,
      { "x-hub-signature": `sha1=${"0".repeat(40)}` },
    ],
    ["twilio with another parameter", path, "MessageSid=SM1&Body=hallo", twilioHeaders(path, form)],
    [
      "twilio at another address",
      "/webhooks/twilio?a=2",
      "MessageSid=SM1&Body=hello",
      twilioHeaders(path, form),
    ],
    [
      "twilio with a body that nothing signs",
      path,
      body,
      { ...twilioHeaders(path, {}), "content-type": "application/json" },
    ],
    ["twilio without a signature", path, "MessageSid=SM1", {}],
    [
      "standard with another id",
      "/webhooks/standard-webhooks",
      body,
      { ...standardHeaders(body), "webhook-id": "msg_2" },
    ],
    [
      "standard from ten minutes ago",
      "/webhooks/standard-webhooks",
      body,
      standardHeaders(body, "msg_1", new Date(Date.now() - 600_000)),
    ],
    [
      "standard in another version",
      "/webhooks/standard-webhooks",
      body,
      { ...standardHeaders(body), "webhook-signature": "v1a,AAAA v2,AAAA v1 v1," },
    ],
  ])("%s is a 401, and is not stored", async (_, at, content, headers) => {
    const { inbox, post } = setup();
    const answer = await post(at, content, headers);
    expect(answer.status).toBe(401);
    expect(inbox.sent).toEqual([]);
  });

  test.each(["unknown", "Stripe", "constructor", "__proto__", "%2e%2e%2f"])(
    "from the source %s is a 400",
    async (source) => {
      const answer = await setup().post(`/webhooks/${source}`, body, stripeHeaders(body));
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errors: [{ field: "source" }] });
    },
  );

  test("any one byte changed is a 401, where the bytes are no UTF-8 too", async () => {
    const content = fc.uint8Array({ minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(content, fc.nat(), fc.integer({ min: 1, max: 255 }), async (raw, at, by) => {
        const { post } = setup();
        const sent = new Uint8Array(raw);
        const headers = githubHeaders(sent);
        expect((await post("/webhooks/github", sent, headers)).status).toBe(200);
        const index = at % sent.length;
        sent[index] = (sent[index] as number) ^ by;
        expect((await post("/webhooks/github", sent, headers)).status).toBe(401);
      }),
    );
  });
});

describe("a verified webhook", () => {
  const body = '{"id":"evt_1","text":"Grüße"}';

  test("is in the queue before the answer", async () => {
    const { inbox, post } = setup();
    const answer = await post("/webhooks/stripe", body, stripeHeaders(body));
    expect(answer.status).toBe(200);
    expect(inbox.sent).toEqual([
      {
        source: "stripe",
        eventId: "evt_1",
        receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        contentType: "application/json",
        encoding: "utf-8",
        body,
      },
    ]);
  });

  test("is taken with any of several signatures, as while a secret is rolled", async () => {
    const { "stripe-signature": good } = stripeHeaders(body);
    const rolled = good.replace(",v1=", `,v1=${"0".repeat(64)},v1=`);
    const answer = await setup().post("/webhooks/stripe", body, { "stripe-signature": rolled });
    expect(answer.status).toBe(200);
  });

  test("is a 503 where the queue does not take it, so that it is delivered again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    for (const queue of ["unavailable", "throttled", "denied"] as const) {
      const answer = await setup({ queue }).post("/webhooks/stripe", body, stripeHeaders(body));
      expect(answer.status).toBe(503);
    }
  });

  test.each([
    ["missing", {}],
    ["empty", { ...values, "stripe-webhook": "" }],
  ])("is a 503 while the secret is %s, however it was signed", async (_, secrets) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const headers = { "stripe-signature": `t=${now()},v1=${hex("", `${now()}.`, body)}` };
    const answer = await setup({ secrets }).post("/webhooks/stripe", body, headers);
    expect(answer.status).toBe(503);
  });

  test("is a 503 while the key of Standard Webhooks cannot be read", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { post } = setup({ secrets: { "standard-webhook": "not base64!" } });
    const answer = await post("/webhooks/standard-webhooks", body, standardHeaders(body));
    expect(answer.status).toBe(503);
  });

  test("of Twilio is answered with no instructions", async () => {
    const path = "/webhooks/twilio";
    const headers = twilioHeaders(path, { MessageSid: "SM1", Body: "a b" });
    const answer = await setup().post(path, "MessageSid=SM1&Body=a+b", headers);
    expect(answer.headers.get("content-type")).toBe("text/xml");
    expect(await answer.text()).toBe("<Response/>");
  });

  test("may be 256 KiB of anything, and no byte more", async () => {
    const { inbox, post } = setup();
    const limit = 262_144;
    const worst = [
      new Uint8Array(limit).map((_, index) => (index * 7919) % 256), // no UTF-8
      new Uint8Array(limit).fill(1), // six characters each as JSON text
      new Uint8Array(limit).fill(0x22), // two each
      new Uint8Array(limit).fill(0), // what Postgres cannot hold
    ];
    for (const content of worst)
      expect((await post("/webhooks/github", content, githubHeaders(content))).status).toBe(200);
    const sizes = inbox.sent.map((message) => Buffer.byteLength(JSON.stringify(message)));
    expect(Math.max(...sizes)).toBeLessThan((limit * 4) / 3 + 2048);
    const over = new Uint8Array(limit + 1);
    expect((await post("/webhooks/github", over, githubHeaders(over))).status).toBe(413);
  });
});

describe("event ids", () => {
  const idOf = async (path: string, body: Body, headers: Record<string, string>) => {
    const { inbox, post } = setup();
    await post(path, body, headers);
    return (inbox.sent[0] as { eventId: string }).eventId;
  };
  const sha = (text: string) => createHash("sha256").update(text).digest("hex");

  test("GitHub: delivery and body, so that neither alone is a redelivery", async () => {
    const id = (delivery: string, body: string) =>
      idOf("/webhooks/github", body, { ...githubHeaders(body), "x-github-delivery": delivery });
    expect(await id("d-1", "a")).toBe(`d-1:${sha("a")}`);
    expect(await id("d-1", "b")).not.toBe(await id("d-1", "a"));
    expect(await id("d-2", "a")).not.toBe(await id("d-1", "a"));
    expect(await idOf("/webhooks/github", "a", githubHeaders("a"))).toBe(sha("a"));
  });

  test("Stripe: the event's own, else the body", async () => {
    const id = (body: string) => idOf("/webhooks/stripe", body, stripeHeaders(body));
    expect(await id('{"id":"evt_9"}')).toBe("evt_9");
    expect(await id('{"id":7}')).toBe(sha('{"id":7}'));
    expect(await id("no json")).toBe(sha("no json"));
  });

  test("Twilio: the message, and the same however its form is spelt", async () => {
    const path = "/webhooks/twilio";
    const id = (body: string) =>
      idOf(path, body, twilioHeaders(path, { MessageSid: "SM1", Body: "A b" }));
    const first = await id("MessageSid=SM1&Body=A+b");
    expect(first).toMatch(/^SM1:/);
    expect(await id("Body=%41%20b&MessageSid=SM1")).toBe(first);
  });

  test("Standard Webhooks: the signed id, hashed where it is long or odd", async () => {
    const id = (given: string) =>
      idOf("/webhooks/standard-webhooks", "{}", standardHeaders("{}", given));
    expect(await id("msg_7")).toBe("msg_7");
    expect(await id("m".repeat(5000))).toBe(`sha256:${sha("m".repeat(5000))}`);
  });
});

describe("behind the queue", () => {
  const event = {
    source: "stripe",
    eventId: "evt_1",
    receivedAt: "2026-11-01T12:00:00.000Z",
    contentType: "application/json",
    encoding: "utf-8",
    body: "{}",
  };
  const behind = (fails: ErrorCode[] = []) => {
    const ports = { catalog: memoryTable(), events: topicFake(...fails), facts: topicFake() };
    return { ...ports, handle: (body: Json) => createRecorder(ports)(messageOf(body)) };
  };

  test("an event is recorded once, however often it is delivered", async () => {
    const { catalog, handle } = behind();
    await handle(event);
    await handle({ ...event, receivedAt: "2026-11-01T12:05:00.000Z" });
    expect(catalog.names()).toEqual(["WEBHOOK#stripe#evt_1 / EVENT"]);
    expect(catalog.at("WEBHOOK#stripe#evt_1 / EVENT")).toEqual(event);
  });

  test("what was sent is what is recorded, byte for byte", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (raw) => {
        const { inbox, post } = setup();
        const content = new Uint8Array(raw);
        await post("/webhooks/github", content, githubHeaders(content));
        const { catalog, handle } = behind();
        await handle(inbox.sent[0] as Json);
        const document = catalog.at(catalog.names()[0] ?? "") as unknown as {
          body: string;
          encoding: BufferEncoding;
        };
        expect(Buffer.from(document.body, document.encoding).equals(content)).toBe(true);
      }),
    );
  });

  test.each<Json>([
    null,
    "x",
    {},
    { ...event, source: "../x" },
    { ...event, more: 1 },
    { ...event, eventId: "" },
  ])("%j is no webhook: it goes to the dead letters", async (body) => {
    const { catalog, handle } = behind();
    await expect(handle(body)).rejects.toMatchObject({ code: "invalid" });
    expect(catalog.names()).toEqual([]);
  });

  describe.each(["github", "twilio", "standard-webhooks"])("from %s", (source) => {
    const given = { ...event, source, eventId: "d-1", contentType: "application/json" };

    test("it is told on the bus, with one id for all deliveries", async () => {
      const { events, facts, handle } = behind();
      await handle(given);
      await handle(given);
      const fact = {
        type: "webhook.received",
        id: `${source}:d-1`,
        data: { source, eventId: "d-1" },
      };
      expect([facts.published, events.published]).toEqual([[fact, fact], []]);
    });

    test.each([
      ["a form", "application/x-www-form-urlencoded", "utf-8", "MessageSid=SM1&Body=a%ff+b"],
      ["JSON in base64", "application/json", "base64", Buffer.from('{"a":"ü"}').toString("base64")],
      ["of another type", "text/plain", "utf-8", "{"],
    ])("%s is taken", async (_, contentType, encoding, body) => {
      const { facts, handle } = behind();
      await handle({ ...given, contentType, encoding, body });
      expect(facts.published).toHaveLength(1);
    });

    test.each([
      ["JSON that is none", "application/json; charset=utf-8", "utf-8", "{"],
      ["JSON that is no UTF-8", "application/json", "base64", Buffer.of(0xff).toString("base64")],
      [
        "a form that is no UTF-8",
        "application/x-www-form-urlencoded",
        "base64",
        Buffer.of(0xff).toString("base64"),
      ],
    ])("%s is recorded with the reason, and set aside", async (_, contentType, encoding, body) => {
      const { catalog, facts, handle } = behind();
      const broken = { ...given, contentType, encoding, body };
      await expect(handle(broken)).rejects.toMatchObject({ code: "invalid" });
      expect(catalog.at(`WEBHOOK#${source}#d-1 / EVENT`)).toEqual({
        ...broken,
        reason: expect.stringMatching(/^the body is not (JSON|UTF-8)$/),
      });
      expect(facts.published).toEqual([]);
    });
  });

  test("an id that is too long for the bus is told by its hash", async () => {
    const { facts, handle } = behind();
    await handle({ ...event, source: "github", eventId: "x".repeat(200) });
    expect(facts.published[0]?.id).toMatch(/^sha256:[\da-f]{64}$/);
  });

  describe("Stripe's payments", () => {
    const row = "ORDER#o-1 / PAYMENT";
    const intent = {
      amount: 2_500,
      amount_received: 2_400,
      currency: "eur",
      metadata: { order_id: "o-1" },
    };
    const payment = (
      name: "succeeded" | "payment_failed",
      given: { id?: string; created?: number; object?: JsonObject } = {},
    ) => {
      const { id = "evt_1", created = 1_763_600_000, object = {} } = given;
      const content = {
        id,
        object: "event",
        type: `payment_intent.${name}`,
        created,
        data: { object: { object: "payment_intent", ...intent, ...object } },
      };
      return { ...event, eventId: id, body: JSON.stringify(content) };
    };

    test("that succeeded make their order paid", async () => {
      const { catalog, events, facts, handle } = behind();
      await handle(payment("succeeded", { object: { receipt_email: "ann@shop.example" } }));
      expect(catalog.at(row)).toEqual({
        orderId: "o-1",
        status: "paid",
        amount: 2_400,
        currency: "EUR",
        version: "01763600000.1.evt_1",
        at: "2025-11-20T00:53:20.000Z",
      });
      expect(events.published).toEqual([
        {
          type: "order.paid",
          id: "evt_1",
          data: { orderId: "o-1", amount: 2_400, currency: "EUR", email: "ann@shop.example" },
        },
      ]);
      expect(facts.published).toEqual([]);
    });

    test.each([
      [{ code: "card_declined", decline_code: "insufficient_funds" }, "insufficient_funds"],
      [{ code: "", decline_code: "generic_decline" }, "generic_decline"],
      [{ code: "payment_intent_payment_attempt_failed" }, "payment_intent_payment_attempt_failed"],
      [null, "unknown"],
    ])("that failed with %j say why: %s", async (last_payment_error, reason) => {
      const { catalog, events, handle } = behind();
      await handle(payment("payment_failed", { object: { last_payment_error } }));
      expect(catalog.at(row)).toMatchObject({ status: "failed", amount: 2_500 });
      expect(events.published).toEqual([
        {
          type: "payment.failed",
          id: "evt_1",
          data: { orderId: "o-1", reason },
        },
      ]);
    });

    test("are applied once, and told with one id, however often they are delivered", async () => {
      const { catalog, events, handle } = behind(["unavailable"]);
      const body = payment("succeeded");
      // Ended between the two: the next delivery tells it.
      await expect(handle(body)).rejects.toMatchObject({ code: "unavailable" });
      const first = catalog.at(row);
      await handle(body);
      await handle(body);
      expect(catalog.at(row)).toEqual(first);
      expect(events.published.map(({ id }) => id)).toEqual(["evt_1", "evt_1"]);
    });

    test.each([
      ["a later success", 10, "succeeded", 20],
      ["a success in the same second", 10, "succeeded", 10],
    ] as const)(
      "that failed, and %s, in either order: the order is paid",
      async (_, at, name, then) => {
        const failed = payment("payment_failed", { id: "evt_9", created: at });
        const succeeded = payment(name, { id: "evt_1", created: then });
        for (const [first, second] of [
          [failed, succeeded],
          [succeeded, failed],
        ] as const) {
          const { catalog, events, handle } = behind();
          await handle(first);
          await handle(second);
          await handle(first);
          expect(catalog.at(row)).toMatchObject({ status: "paid" });
          const told = events.published.map(({ type }) => type);
          // What came too late changes nothing, and is told to nobody.
          if (first === succeeded) expect(told).toEqual(["order.paid", "order.paid"]);
        }
      },
    );

    test("end with the newest, in whatever order and however often they come", async () => {
      const one = fc.record({
        created: fc.integer({ min: 1, max: 4 }),
        name: fc.constantFrom("succeeded", "payment_failed"),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(one, { minLength: 1, maxLength: 6 }),
          fc.infiniteStream(fc.nat()),
          async (all, picks) => {
            const { catalog, handle } = behind();
            const bodies = all.map(({ created, name }, n) =>
              payment(name, { created, id: `evt_${n}` }),
            );
            for (let n = 0; n < 6; n += 1)
              await handle(bodies[(picks.next().value as number) % bodies.length] as Json);
            for (const body of bodies) await handle(body);
            const newest = Math.max(...all.map(({ created }) => created));
            const isPaid = all.some((p) => p.created === newest && p.name === "succeeded");
            expect(catalog.at(row)?.status).toBe(isPaid ? "paid" : "failed");
          },
        ),
      );
    });

    test.each<[string, Json]>([
      ["of another type", { ...event, body: '{"id":"evt_1","type":"charge.refunded"}' }],
      ["without an order", payment("succeeded", { object: { metadata: {} } })],
    ])("%s are recorded, and no more", async (_, body) => {
      const { catalog, events, facts, handle } = behind();
      await handle(body);
      expect(catalog.names()).toEqual(["WEBHOOK#stripe#evt_1 / EVENT"]);
      expect([events.published, facts.published]).toEqual([[], []]);
    });

    test.each<[string, Json, string]>([
      ["no JSON", { ...event, contentType: "", body: "no json" }, "the body is not JSON"],
      ["no amount", payment("succeeded", { object: { amount: "2500" } }), "data.object.amount"],
      ["no time", payment("succeeded", { created: -1 }), "created"],
      [
        "no order that can be",
        payment("succeeded", { object: { metadata: { order_id: "../o" } } }),
        "data.object.metadata.order_id",
      ],
    ])("with %s are recorded with the reason, and set aside", async (_, body, reason) => {
      const { catalog, events, handle } = behind();
      await expect(handle(body)).rejects.toMatchObject({
        code: "invalid",
        message: expect.stringContaining(reason),
      });
      expect(catalog.names()).toEqual(["WEBHOOK#stripe#evt_1 / EVENT"]);
      expect(catalog.at("WEBHOOK#stripe#evt_1 / EVENT")?.reason).toContain(reason);
      expect(events.published).toEqual([]);
    });
  });
});

describe("a client that breaks off its body", () => {
  test("is answered 400, and nothing is sent", async () => {
    const { inbox } = setup();
    const broken = new ReadableStream({
      pull: (controller) => controller.error(new Error("aborted")),
    });
    // As behind a host that holds bodies to their length, and leaves the reading to the handler.
    const handler = guard(
      create({ edge: { url: publicUrl }, inbox, secrets: { get: async () => "x" } }),
      { auth: "none", lengthIsChecked: true },
    );
    const request = new Request(`${publicUrl}/webhooks/github`, {
      method: "POST",
      body: broken,
      duplex: "half",
      headers: { "content-length": "100" },
    } as RequestInit);
    expect((await handler.fetch(request, contextOf())).status).toBe(400);
    expect(inbox.sent).toEqual([]);
  });
});
