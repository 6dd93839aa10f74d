import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CreateEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { clientSettings } from "../../../runtime/adapters/aws/client.ts";
import { mailer } from "../../../runtime/adapters/aws/mailer.ts";
import type { Mail } from "../../../runtime/ports/index.ts";
import { mailerContract } from "../suites/mailer.ts";
import { refusal } from "../suites/refusal.ts";
import { emulator } from "./emulator.ts";
import { type Answer, scripted, success } from "./scripted.ts";

const from = "shop@example.com";
const location = "arn:aws:ses:us-east-1:123456789012:identity/example.com";
const mail = { to: "ada@example.com", subject: "Hi", text: "there" };

/** A mail as moto keeps it: one text, the HTML before the plain one. */
interface Kept {
  readonly subject: string;
  readonly body: string;
  readonly destinations: { readonly ToAddresses: readonly string[] };
}

mailerContract("aws mailer", {
  whole: false,
  async make() {
    const client = new SESv2Client(emulator);
    await client.send(new CreateEmailIdentityCommand({ EmailIdentity: "example.com" }));
    return {
      mailer: mailer({ name: "mailer", from, location, client }),
      async delivered(to): Promise<Mail[]> {
        const answer = await fetch(`${emulator.endpoint}/moto-api/data.json`);
        const { ses } = (await answer.json()) as { ses: { Message: readonly Kept[] } };
        return ses.Message.filter((one) => one.destinations.ToAddresses[0] === to).map(
          ({ subject, body }) => ({ to, subject, text: body, html: body }),
        );
      },
      close: async () => client.destroy(),
    };
  },
});

describe("aws mailer, to the service", () => {
  let closing: (() => unknown)[] = [];
  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => Promise.all(closing.map((close) => close())));

  async function mailerOf(...answers: readonly [Answer, ...Answer[]]) {
    const service = await scripted(...answers);
    const config = { ...emulator, ...clientSettings(), endpoint: service.endpoint };
    const client = new SESv2Client(config);
    closing = [...closing, service.close, () => client.destroy()];
    return { port: mailer({ name: "mailer", from, location, client }), asked: service.asked };
  }
  /** An error as the REST protocol writes it. */
  const refused = (type: string, message: string, status = 400): Answer => ({
    status,
    body: { message },
    headers: { "x-amzn-errortype": type },
  });

  it("gives both texts, and the id as a header, for SES overrides any Message-ID", async () => {
    const { port, asked } = await mailerOf(success({ MessageId: "1" }));
    await port.send({ ...mail, html: "<p>there</p>", id: "receipt-1" });
    expect(JSON.parse(asked[0]?.body ?? "")).toEqual({
      FromEmailAddress: from,
      Destination: { ToAddresses: [mail.to] },
      Content: {
        Simple: {
          Subject: { Data: "Hi", Charset: "UTF-8" },
          Body: {
            Text: { Data: "there", Charset: "UTF-8" },
            Html: { Data: "<p>there</p>", Charset: "UTF-8" },
          },
          Headers: [{ Name: "X-Spillway-Id", Value: "receipt-1" }],
        },
      },
    });
  });

  it.each([
    ["MessageRejected", "Illegal content", 400, "invalid"],
    ["MessageRejected", "Email address is not verified: shop@example.com", 400, "unavailable"],
    ["BadRequestException", "Illegal address", 400, "invalid"],
    ["MailFromDomainNotVerifiedException", "no", 400, "unavailable"],
    ["SendingPausedException", "no", 400, "unavailable"],
    ["AccountSuspendedException", "no", 400, "unavailable"],
    ["NotFoundException", "no", 404, "unavailable"],
    ["TooManyRequestsException", "slow", 429, "throttled"],
    ["LimitExceededException", "quota", 400, "throttled"],
    ["AccessDeniedException", "no", 403, "denied"],
    ["InternalServiceErrorException", "oh", 500, "unavailable"],
  ])("answers %s (%s) with the code of its cause", async (type, message, status, code) => {
    const { port } = await mailerOf(refused(type, message, status));
    expect(await refusal(port.send(mail))).toBe(code);
  });

  it("is asked in the region of the identity, wherever the function runs", async () => {
    const authorizations: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      authorizations.push(request.headers.authorization);
      response.end("{}");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv("AWS_REGION", "eu-north-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    const port = mailer({
      name: "mailer",
      from,
      location: location.replace("us-east-1", "eu-west-1"),
    });
    await port.send(mail);
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    expect(authorizations).toEqual([expect.stringContaining("/eu-west-1/ses/aws4_request")]);
  });
});
