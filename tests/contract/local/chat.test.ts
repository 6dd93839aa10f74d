import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chat } from "../../../runtime/adapters/local/chat.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import { chatContract } from "../suites/chat.ts";
import { answering, startReceiver } from "../suites/receiver.ts";
import { refusal } from "../suites/refusal.ts";
import { temporaryDatabase } from "./database.ts";

chatContract("local chat", {
  async make(url) {
    const { pool, stop } = await temporaryDatabase();
    return { chat: chat({ name: "chat", pool, url }), close: stop };
  },
});

describe("captured posts", () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await temporaryDatabase();
  });
  afterAll(() => postgres?.stop());

  it("are listed as they were, the newest first, no more than were asked for", async () => {
    const { post, posts } = chat({ name: "one", pool: postgres.pool });
    const report = { text: "Day\0", blocks: [{ type: "header", text: "Ünder 😀" }] } as const;
    for (const one of [{ text: "1" }, { text: "2" }, report]) await post(one);
    expect(await posts(2)).toEqual([
      { id: expect.any(String), chat: "one", post: report, at: expect.any(Date) },
      { id: expect.any(String), chat: "one", post: { text: "2" }, at: expect.any(Date) },
    ]);
  });

  it("hold no post that is refused, and one that is tried again once", async () => {
    const slack = await startReceiver();
    const { post, posts } = chat({ name: "two", pool: postgres.pool, url: slack.url });
    slack.answer = answering(503);
    expect(await refusal(post({ text: "again" }))).toBe("unavailable");
    slack.answer = answering(200, "ok");
    await post({ text: "again" });
    await slack.close();
    expect(await posts(10)).toMatchObject([{ post: { text: "again" } }]);
  });

  it("hold nothing that no channel would take", async () => {
    const { post, posts } = chat({ name: "three", pool: postgres.pool });
    expect(await refusal(post({ text: "" }))).toBe("invalid");
    expect(await posts(10)).toEqual([]);
  });
});
