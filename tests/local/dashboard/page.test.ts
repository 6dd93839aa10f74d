import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { lab, type Started, start, temporary } from "../harness.ts";
import { contrasts, launch, openPage } from "./served.ts";

describe("the dashboard in Chromium", () => {
  const data = temporary();
  let host: Started;
  let browser: Browser;
  let page: Page;
  /** What the browser complained about. */
  let complaints: readonly string[];

  beforeAll(async () => {
    [host, browser] = await Promise.all([start(lab, data.folder), launch()]);
  });
  afterAll(async () => {
    await browser?.close();
    await host?.end();
    data.remove();
  });
  beforeEach(async () => {
    ({ page, complaints } = await openPage(browser, `${host.url}/_spillway/`));
  });
  afterEach(() => page.close());

  const summary = (text: string) => page.locator("summary", { hasText: text });
  const poison = async (id: string) => {
    await host.post("/notes/jobs", { id, fail: "invalid" });
    await page.locator("#queue-list summary", { hasText: "no job; send one" }).waitFor();
  };

  test("loads without a complaint and shows the system", async () => {
    await expect.poll(() => page.title()).toBe("lab · Spillway");
    expect(await page.locator("h1").textContent()).toBe("lab");
    expect(await page.locator("#route-list > details").count()).toBe(10);
    expect(await page.locator("#workload-list > details").count()).toBe(9);
    expect(complaints).toEqual([]);
  });

  test("shows by itself what has happened", async () => {
    await fetch(`${host.url}/echo/by-itself`);
    await page.locator("#request-list tr", { hasText: "/echo/by-itself" }).waitFor();
    await host.post("/notes", { id: "by-itself", text: "hello" });
    await summary("NOTE#by-itself / TEXT").waitFor();
    expect(complaints).toEqual([]);
  });

  test("leaves open what was opened and keeps what was typed while it updates", async () => {
    await summary("/limited/{ms}").click();
    await page.getByRole("textbox", { name: "ms" }).fill("typed");
    await fetch(`${host.url}/echo/meanwhile`);
    await page.locator("#request-list tr", { hasText: "/echo/meanwhile" }).waitFor();
    expect(await page.getByRole("textbox", { name: "ms" }).inputValue()).toBe("typed");
  });

  test("sends a request from a route's form and shows the answer", async () => {
    await summary("/echo/{rest+}").click();
    await page.getByRole("textbox", { name: "rest" }).fill("from the/page");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("pre", { hasText: '"path": "/echo/from the/page"' }).waitFor();
  });

  test("redrives a dead letter at a click", async () => {
    await poison("again");
    const before = await host.state();
    await page.locator("#queue-list summary").click();
    await page.getByRole("button", { name: "Redrive" }).click();
    await page.getByText("Back in queue jobs").waitFor();
    const idOf = ({ queues }: typeof before) => queues[0]?.deadLetters[0]?.id;
    // It fails again, under a new id.
    const after = await host.until((state) => ![undefined, idOf(before)].includes(idOf(state)));
    await host.post(`/_spillway/api/queues/jobs/dead-letters/${idOf(after)}/discard`, {});
  });

  test("discards a dead letter only once that is confirmed", async () => {
    await poison("gone");
    await page.locator("#queue-list summary").click();
    const discard = page.locator("#queue-list").getByRole("button", { name: "Discard" });
    await discard.click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep it" }).click();
    expect((await host.state()).queues[0]?.dead).toBe(1);
    await discard.click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await page.getByText("Discarded").waitFor();
    await host.until(({ queues }) => queues[0]?.dead === 0);
    await expect.poll(() => discard.count()).toBe(0);
  });

  test("shows markup in documents, objects, keys and messages as the text that it is", async () => {
    const markup = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    await host.post("/notes", { id: markup.replaceAll("/", "∕"), text: markup });
    await host.post("/notes/jobs", { id: markup, fail: "invalid" });
    const stored = page.locator("#table-list summary", { hasText: "<img src=x" });
    await stored.click();
    await page.locator("#table-list pre", { hasText: "<img src=x onerror=" }).waitFor();
    const letter = page.locator("#queue-list details");
    await letter.locator("summary").click();
    await letter.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("dialog").getByText("<script>").waitFor();
    expect(await page.locator("main img, main script, dialog img, dialog script").count()).toBe(0);
    expect(await page.title()).toBe("lab · Spillway");
    await page.getByRole("button", { name: "Discard" }).last().click();
    await host.until(({ queues }) => queues[0]?.dead === 0);
  });

  test("can be used with the keyboard alone", async () => {
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.locator("#workload-list > details").first().getAttribute("open")).toBe("");
    await summary("/echo/{rest+}").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.tagName")).toBe("INPUT");
  });

  test.each([
    ["light", 1280],
    ["light", 400],
    ["dark", 1280],
    ["dark", 400],
  ] as const)("can be read in %s at %i pixels", async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    for (const one of await page.locator("#workload-list summary").all()) await one.click();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect(await contrasts(page)).toEqual([]);
  });

  test("says so when the host is gone, and comes back with it", async () => {
    const other = temporary();
    const second = await start(lab, other.folder);
    const { port } = new URL(second.url);
    await page.goto(`${second.url}/_spillway/`);
    await page.getByRole("status").getByText("live").waitFor();
    await second.end();
    await page.getByRole("status").getByText("stopped; waiting for it").waitFor();
    const third = await start(lab, other.folder, { PORT: port });
    await page.getByRole("status").getByText("live").waitFor();
    await third.end();
    other.remove();
  });
});
