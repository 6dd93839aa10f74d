import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Chat, Post, PostBlock } from "../../../runtime/ports/index.ts";
import { answering, type Receiver, startReceiver } from "./receiver.ts";
import { refusal } from "./refusal.ts";

export interface ChatParts {
  readonly chat: Chat;
  close(): Promise<void>;
}

/** Part of the webhook's URL, which is a secret. */
const secret = "T0-very-secret";

/** What every Chat does with an incoming webhook, the same on every adapter. */
export function chatContract(
  title: string,
  { make }: { readonly make: (webhook: string) => Promise<ChatParts> },
): void {
  describe(title, () => {
    let slack: Receiver;
    let parts: ChatParts;
    beforeAll(async () => {
      slack = await startReceiver();
      parts = await make(`${slack.url}/services/${secret}`);
    });
    beforeEach(() => {
      slack.requests.length = 0;
      slack.answer = answering(200, "ok");
    });
    afterAll(async () => {
      await parts?.close();
      await slack?.close();
    });

    const post = async (given: Post) => {
      await parts.chat.post(given);
      return JSON.parse(slack.requests.at(-1)?.body ?? "null");
    };
    const posted = async (...blocks: PostBlock[]) => (await post({ text: "x", blocks })).blocks;

    it("posts a text to the webhook, as JSON", async () => {
      expect(await post({ text: "Ünder *pressure* 😀" })).toEqual({ text: "Ünder *pressure* 😀" });
      expect(slack.requests).toMatchObject([
        {
          method: "POST",
          path: `/services/${secret}`,
          headers: { "content-type": "application/json; charset=utf-8" },
        },
      ]);
    });

    it("posts blocks as Slack's Block Kit, with a header's text as it is", async () => {
      const blocks = await posted(
        { type: "header", text: "Orders < 10 & falling" },
        { type: "section", text: "See <https://example.com|there>" },
        { type: "fields", fields: ["*Orders*\n9", "*Errors*\n0"] },
      );
      expect(blocks).toEqual([
        { type: "header", text: { type: "plain_text", text: "Orders &lt; 10 &amp; falling" } },
        { type: "section", text: { type: "mrkdwn", text: "See <https://example.com|there>" } },
        {
          type: "section",
          fields: [
            { type: "mrkdwn", text: "*Orders*\n9" },
            { type: "mrkdwn", text: "*Errors*\n0" },
          ],
        },
      ]);
    });

    it("cuts what is longer than Slack takes, and says so", async () => {
      const long = "x".repeat(50_000);
      const body = await post({
        text: long,
        blocks: [
          { type: "header", text: long },
          { type: "section", text: long },
          { type: "fields", fields: [long] },
        ],
      });
      const texts = [
        body.text,
        body.blocks[0].text.text,
        body.blocks[1].text.text,
        body.blocks[2].fields[0].text,
      ];
      expect(texts.map((text) => text.length)).toEqual([40_000, 150, 3_000, 2_000]);
      expect(texts.map((text) => text.at(-1))).toEqual(["…", "…", "…", "…"]);
    });

    it("goes on with the eleventh field in another section", async () => {
      const fields = Array.from({ length: 12 }, (_, n) => `${n}`);
      const sections = await posted({ type: "fields", fields });
      expect(sections.map((section: { fields: [] }) => section.fields.length)).toEqual([10, 2]);
    });

    it("shows 49 blocks of more than 50, and how many it left out", async () => {
      const some = Array.from(
        { length: 60 },
        (_, n) => ({ type: "section", text: `${n}` }) as const,
      );
      const blocks = await posted(...some);
      expect(blocks).toHaveLength(50);
      expect(blocks.at(-2).text.text).toBe("48");
      expect(blocks.at(-1).text.text).toBe("… and 11 more");
    });

    it.each<[string, Post]>([
      ["text", { text: " " }],
      ["header", { text: "x", blocks: [{ type: "header", text: "" }] }],
      ["section", { text: "x", blocks: [{ type: "section", text: "" }] }],
      ["field", { text: "x", blocks: [{ type: "fields", fields: ["x", ""] }] }],
      ["list of fields", { text: "x", blocks: [{ type: "fields", fields: [] }] }],
    ])("refuses an empty %s as invalid, and posts nothing", async (_, given) => {
      expect(await refusal(parts.chat.post(given))).toBe("invalid");
      expect(slack.requests).toEqual([]);
    });

    it.each([
      [400, "invalid_payload", "invalid"],
      [403, "action_prohibited", "invalid"],
      [404, "no_service", "invalid"],
      [410, "channel_is_archived", "invalid"],
      [429, "rate_limited", "throttled"],
      [302, "", "unavailable"],
      [500, "rollup_error", "unavailable"],
      [503, "", "unavailable"],
    ])("takes the answer %i %s as %s", async (status, text, code) => {
      slack.answer = answering(status, text, { location: `${slack.url}/elsewhere` });
      expect(await refusal(parts.chat.post({ text: "x" }))).toBe(code);
      expect(slack.requests).toHaveLength(1);
    });

    it.each([
      [400, true],
      [429, true],
      [500, true],
      [503, true],
      [502, false],
      [504, false],
    ])("knows after the answer %i whether nothing was posted: %s", async (status, undone) => {
      slack.answer = answering(status, "");
      await expect(parts.chat.post({ text: "x" })).rejects.toMatchObject({ undone });
    });

    it("says why the channel refused, and how long to wait", async () => {
      slack.answer = answering(400, "invalid_blocks");
      await expect(parts.chat.post({ text: "x" })).rejects.toThrow("answered 400 invalid_blocks;");
      slack.answer = answering(429, "", { "retry-after": "30" });
      await expect(parts.chat.post({ text: "x" })).rejects.toThrow("answered 429; wait 30 s");
    });

    it("is unavailable where the connection breaks", async () => {
      slack.answer = (_, response) => response.destroy();
      await expect(parts.chat.post({ text: "x" })).rejects.toMatchObject({
        code: "unavailable",
        undone: false,
      });
    });

    it.each([400, 429, 500, 0])(
      "names the webhook in no error, such as after %i",
      async (status) => {
        slack.answer = status
          ? answering(status, `no such hook: ${slack.url}/services/${secret}`)
          : (_, response) => response.destroy();
        const failure = await parts.chat.post({ text: "x" }).catch((error: unknown) => error);
        for (let one = failure; one instanceof Error; one = one.cause)
          expect(`${one.message} ${one.stack} ${JSON.stringify(one)}`).not.toContain(secret);
        expect(failure).toBeInstanceOf(Error);
      },
    );
  });
}
