import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { describe, expect, it } from "vitest";
import { chat } from "../../../runtime/adapters/aws/chat.ts";
import { chatContract } from "../suites/chat.ts";
import { refusal } from "../suites/refusal.ts";
import { emulator } from "./emulator.ts";
import { createSecret } from "./resources.ts";

async function chatOf(webhook?: string) {
  const client = new SecretsManagerClient(emulator);
  const location = await createSecret(client, webhook);
  return {
    chat: chat({ name: "chat", location, client }),
    close: async () => client.destroy(),
  };
}

chatContract("aws chat", { make: chatOf });

describe("aws chat, where its secret is no webhook", () => {
  it.each([
    "http://hooks.example.com/T0/secret",
    "hooks.example.com",
    "https://a:secret@b.example",
  ])("is unavailable for %j, and does not repeat it", async (webhook) => {
    const { chat, close } = await chatOf(webhook);
    const failure = await chat.post({ text: "x" }).catch((error: unknown) => error);
    await close();
    expect(await refusal(Promise.reject(failure))).toBe("unavailable");
    expect(String(failure)).toBe(
      'PortError: chat "chat": the webhook\'s secret is no https URL; correct the secret',
    );
  });

  it("is not found without a value", async () => {
    const { chat, close } = await chatOf();
    expect(await refusal(chat.post({ text: "x" }))).toBe("not-found");
    await close();
  });
});
