import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { secrets } from "../../../runtime/adapters/local/secrets.ts";
import { refusal } from "../suites/refusal.ts";
import { secretsContract } from "../suites/secrets.ts";
import { temporaryFolder } from "./folder.ts";

const names = ["github-webhook", "slack-url"] as const;

secretsContract("local secrets", {
  async make() {
    const { folder, remove } = await temporaryFolder();
    vi.stubEnv("SPILLWAY_SECRET_GITHUB_WEBHOOK", "It's a Secret to Everybody");
    return {
      secrets: secrets<string>({ names, folder }),
      known: "github-webhook",
      value: "It's a Secret to Everybody",
      unknown: "nobody-declared-me",
      async close() {
        vi.unstubAllEnvs();
        await remove();
      },
    };
  },
});

describe("a secret that is not given", () => {
  const inFolder = async (work: (folder: string) => Promise<void>) => {
    const { folder, remove } = await temporaryFolder();
    try {
      await work(path.join(folder, "secrets"));
    } finally {
      await remove();
    }
  };
  afterEach(() => vi.unstubAllEnvs());

  it("is made once, of 256 random bits, and one for each name", () =>
    inFolder(async (folder) => {
      const value = await secrets({ names, folder }).get("slack-url");
      expect(Buffer.from(value, "base64url")).toHaveLength(32);
      expect(await secrets({ names, folder }).get("slack-url")).toBe(value);
      expect(await secrets({ names, folder }).get("github-webhook")).not.toBe(value);
    }));

  it("is one for all who ask first at the same time", () =>
    inFolder(async (folder) => {
      const values = await Promise.all(
        Array.from({ length: 20 }, () => secrets({ names, folder }).get("slack-url")),
      );
      expect(new Set(values).size).toBe(1);
      expect(await readdir(folder)).toEqual(["slack-url"]);
    }));

  it("can be read by its owner alone", () =>
    inFolder(async (folder) => {
      await secrets({ names, folder }).get("slack-url");
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
      expect((await stat(path.join(folder, "slack-url"))).mode & 0o777).toBe(0o600);
    }));

  it("gives way to one that is given, and to an edited file", () =>
    inFolder(async (folder) => {
      const { get } = secrets({ names, folder });
      const made = await get("slack-url");
      await writeFile(path.join(folder, "slack-url"), "edited\n");
      expect(await get("slack-url")).toBe("edited");
      vi.stubEnv("SPILLWAY_SECRET_SLACK_URL", "given");
      expect(await get("slack-url")).toBe("given");
      expect(await readFile(path.join(folder, "slack-url"), "utf8")).not.toBe(made);
    }));

  it("is unavailable, in words with a remedy, where its folder is a file", () =>
    inFolder(async (folder) => {
      await writeFile(folder, "");
      const failure = secrets({ names, folder }).get("slack-url");
      expect(await refusal(failure)).toBe("unavailable");
      await expect(failure).rejects.toThrow("set SPILLWAY_SECRET_SLACK_URL");
    }));
});
