import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type {
  CapturedMail,
  ExecutionState,
  PostState,
  StateSources,
} from "../../../local/state.ts";
import type { DeadLetter } from "../../../runtime/ports/index.ts";
import {
  contrasts,
  launch,
  memoryObjects,
  openPage,
  type Served,
  serveDashboard,
} from "./served.ts";

/** Markup that would show itself by the page's title, wherever it took effect. */
const markup = `<img src=x onerror="document.title='owned'"><script>parent.document.title='owned'</script>`;
const at = new Date("2026-11-21T09:00:00Z");

const picture = (background: string) =>
  sharp({ create: { width: 40, height: 30, channels: 3, background } })
    .png()
    .toBuffer();

const declaration = {
  steps: [
    { name: "look", timeoutSeconds: 1 },
    { name: "take", timeoutSeconds: 1, compensate: "putBack" },
    { name: "wrap", timeoutSeconds: 1, compensate: "unwrap" },
  ],
  compensations: [
    { name: "putBack", timeoutSeconds: 1 },
    { name: "unwrap", timeoutSeconds: 1 },
    { name: "apologise", timeoutSeconds: 1 },
  ],
  onFailure: "apologise",
};

const underWay: ExecutionState = {
  id: "parcel-2",
  status: "running",
  startedAt: at,
  input: { parcel: 2 },
  steps: [
    { name: "look", kind: "step", state: "done", tries: 1 },
    { name: "take", kind: "step", state: "running", tries: 1, reason: "shelf is away" },
  ],
};
const undone: ExecutionState = {
  id: "parcel-1",
  status: "compensated",
  startedAt: at,
  endedAt: new Date(at.getTime() + 2500),
  input: { parcel: 1 },
  steps: [
    { name: "look", kind: "step", state: "done", tries: 1 },
    { name: "take", kind: "step", state: "compensated", tries: 1 },
    { name: "wrap", kind: "step", state: "failed", tries: 3, reason: `no paper ${markup}` },
    { name: "unwrap", kind: "compensation", state: "done", tries: 1 },
    { name: "putBack", kind: "compensation", state: "done", tries: 1 },
    { name: "apologise", kind: "compensation", state: "done", tries: 1 },
  ],
};

describe("the dashboard's parts in Chromium", () => {
  let browser: Browser;
  let served: Served;
  let page: Page;
  let complaints: readonly string[];
  let executions: ExecutionState[];
  let mails: CapturedMail[];
  let posts: PostState[];
  let runs: string[];
  let letters: DeadLetter[];

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    [executions, mails, posts, runs, letters] = [[underWay, undone], [], [], [], []];
    const made = await picture("#c40");
    const objects = memoryObjects(
      {
        uploads: { prefix: "uploads/", maxBytes: 5000, contentTypes: ["image/*"] },
        made: { prefix: "made/" },
      },
      async (key, put) => {
        if (!key.startsWith("uploads/")) return;
        for (const size of ["small", "large"])
          await put(`made/${size}/${key.slice("uploads/".length)}.png`, made, {
            contentType: "image/png",
          });
      },
    );
    const settled = async (id: string) => {
      letters = letters.filter((one) => one.id !== id);
    };
    const sources: Partial<StateSources> = {
      objects: new Map([["files", objects]]),
      queues: new Map([
        [
          "parcels",
          {
            depth: async () => ({ waiting: 0, active: 0, dead: letters.length }),
            deadLetters: async () => letters,
            redrive: settled,
            discard: settled,
          },
        ],
      ]),
      consumersOf: () => ["packer"],
      tables: async () => [
        {
          kind: "table",
          name: "notes",
          items: [{ pk: markup, sk: "A", document: {} }],
          more: true,
        },
      ],
      mails: async () => mails,
      posts: async () => posts,
      schedules: () => [
        {
          workload: "daily",
          cron: "0 6 * * *",
          timeZone: "Asia/Kathmandu",
          nextRun: new Date("2199-01-15T00:15:00Z"),
        },
      ],
      runNow: async (workload) => {
        runs.push(workload);
        return { scheduledAt: at };
      },
      workflows: new Map([
        [
          "parcel",
          {
            declaration,
            executions: async () => executions,
            start: async (id, input) => {
              executions = [{ ...underWay, id, input, steps: [] }, ...executions];
              return { started: true };
            },
          },
        ],
      ]),
      channels: async () => [
        {
          name: "clicks",
          kind: "stream",
          subscribers: [
            { workload: "counter", positions: [{ shard: "shard-3", at: "41", behind: 7 }] },
          ],
        },
      ],
      totals: async () => ({
        mails: 312,
        documents: { notes: 12_843 },
        executions: { parcel: 99 },
      }),
    };
    served = await serveDashboard(sources);
    ({ page, complaints } = await openPage(browser, served.url));
  });
  afterEach(async () => {
    await page.close();
    await served.close();
  });

  const section = (id: string) => page.locator(`section#${id}`);

  describe("an upload", () => {
    const choose = (name: string, mimeType: string, buffer: Buffer) =>
      page.locator("#objects input[type=file]").setInputFiles({ name, mimeType, buffer });
    const drawn = (text: string) =>
      page
        .locator(".shot.upload", { hasText: text })
        .locator("img")
        .evaluateAll((images) =>
          images.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
        );

    test("shows itself and what was made of it", async () => {
      await choose("été 100% +1.png", "image/png", await picture("#06c"));
      await page.getByText("été 100% +1.png: stored").waitFor();
      await expect.poll(() => drawn("été 100% +1.png")).toEqual([40, 40, 40]);
      expect(complaints).toEqual([]);
    });

    test("can be dropped", async () => {
      const bytes = [...(await picture("#06c"))];
      await page.evaluate(`(() => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(${JSON.stringify(bytes)})], "dropped.png", { type: "image/png" }));
        document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
      })()`);
      await page.getByText("dropped.png: stored").waitFor();
      await expect.poll(() => drawn("dropped.png")).toEqual([40, 40, 40]);
    });

    test("of another type, or too large, is refused with the reason", async () => {
      await section("objects").getByText("image/*, up to 4.9 KiB").waitFor();
      await choose("words.txt", "text/plain", Buffer.from("words"));
      await page
        .getByText("refused. It is of type text/plain; the folder takes image/*.")
        .waitFor();
      await choose("big.png", "image/png", Buffer.alloc(5001));
      await page.getByText("refused. It has 5,001 bytes; the folder takes 5,000.").waitFor();
      expect((await served.state()).objectStores[0]?.total).toBe(0);
    });

    test("that is no picture at all stands with a sign in place of one", async () => {
      await choose("broken.png", "image/png", Buffer.from(markup));
      await page.getByText("broken.png: stored").waitFor();
      await page.locator(".shot.upload .preview.none").waitFor();
      expect(await page.title()).toBe("lab · Spillway");
    });
  });

  describe("a workflow", () => {
    const node = (name: string) =>
      section("workflows").locator("svg g", {
        has: page.locator("text.name", { hasText: new RegExp(`^${name}$`) }),
      });

    test("is a picture of its newest execution, with the step that it is at", async () => {
      await section("workflows").getByText("3 steps, 2 of 99 executions").waitFor();
      const pictured = page.getByRole("img", {
        name: "parcel-2 is running: look done, take running",
      });
      await pictured.waitFor();
      expect(await node("take").getAttribute("class")).toBe("node step running");
      expect(await node("take").locator(".state").textContent()).toBe("running, try 2");
      expect(await node("wrap").getAttribute("class")).toBe("node step pending");
      expect(await node("putBack").locator(".state").textContent()).toBe("undoes it");
      expect(await node("apologise").locator(".state").textContent()).toBe("on failure");
    });

    test("follows an execution as it goes on", async () => {
      executions = [
        {
          ...underWay,
          status: "done",
          endedAt: at,
          steps: declaration.steps.map(({ name }) => ({
            name,
            kind: "step",
            state: "done",
            tries: 1,
          })),
        },
      ];
      await expect.poll(() => node("wrap").getAttribute("class")).toBe("node step done");
      expect(await page.locator("svg g.end").getAttribute("class")).toBe("node end done");
    });

    test("shows another execution that is chosen, with what failed and what was undone", async () => {
      await page.getByRole("button", { name: /parcel-1/ }).click();
      await section("workflows").locator(".reason", { hasText: "no paper" }).waitFor();
      expect(await node("wrap").getAttribute("class")).toBe("node step failed");
      expect(await node("wrap").locator(".state").textContent()).toBe("failed, tries: 3");
      expect(await node("take").getAttribute("class")).toBe("node step compensated");
      expect(await node("unwrap").getAttribute("class")).toBe("node compensation done");
      expect(await page.locator("svg g.end").getAttribute("class")).toBe("node end compensated");
      await section("workflows").getByText("took 2.5 s").waitFor();
    });

    test("is started with an input, and shown", async () => {
      await section("workflows").getByText("Start one").click();
      const input = page.getByRole("textbox", { name: "Input (JSON)" });
      // The last one's input is a good start.
      await expect.poll(() => input.inputValue()).toBe(JSON.stringify({ parcel: 2 }, undefined, 2));
      await input.fill('{"parcel": 3}');
      await page.getByRole("textbox", { name: "Id" }).fill("parcel-3");
      await page.getByRole("button", { name: "Start", exact: true }).click();
      await page.getByText("Started parcel-3").waitFor();
      await page.getByRole("img", { name: "parcel-3 is running: nothing begun" }).waitFor();
      expect(executions[0]?.input).toEqual({ parcel: 3 });
      expect(complaints).toEqual([]);
    });

    test("keeps what was typed while executions change, and says what is no JSON", async () => {
      await section("workflows").getByText("Start one").click();
      const input = page.getByRole("textbox", { name: "Input (JSON)" });
      await input.fill("{typed");
      executions = [undone];
      await page.getByRole("img", { name: /parcel-1 is compensated/ }).waitFor();
      expect(await input.inputValue()).toBe("{typed");
      await page.getByRole("button", { name: "Start", exact: true }).click();
      await page.getByText("This is no JSON").waitFor();
    });

    test("stands upright where the page is narrow", async () => {
      const box = () => section("workflows").locator("svg").first().boundingBox();
      const wide = await box();
      await page.setViewportSize({ width: 400, height: 800 });
      await expect.poll(async () => (await box())?.width).toBeLessThan(330);
      expect((await box())?.height).toBeGreaterThan(wide?.height ?? 0);
    });

    test("that was never started shows its declaration", async () => {
      executions = [];
      await page.getByRole("img", { name: "Steps: look, take, wrap" }).waitFor();
      await section("workflows").getByText("never started").waitFor();
    });
  });

  test("a schedule shows its next run in its own zone and here, and runs now at a click", async () => {
    const row = section("schedules").locator(".schedule");
    await row.getByText(/15 Jan, 06:00 GMT\+5:45/).waitFor();
    await row.getByText(/here/).waitFor();
    await row.getByText(/in \d+ d/).waitFor();
    await row.getByRole("button", { name: "Run daily now" }).click();
    await page.getByText("A run of daily is on its way").waitFor();
    expect(runs).toEqual(["daily"]);
    expect(complaints).toEqual([]);
  });

  describe("a mail", () => {
    const html = `<h1>Thank you</h1><p><a href="${"https://shop.example/r/1"}">receipt</a></p>${markup}
      <style>h1 { color: rgb(1, 2, 3) }</style><form action="/_spillway/"><button>go</button></form>`;
    const mail = { id: "7", to: "a@b.c", from: "shop@b.c", subject: markup, text: "", at };

    test("shows its HTML in a frame where nothing runs and nothing is loaded", async () => {
      mails = [{ ...mail, html }];
      await section("mails").locator("summary").click();
      const frame = page.frameLocator("#mail-list iframe");
      await frame.getByRole("heading", { name: "Thank you" }).waitFor();
      const inside = page.frames()[1];
      expect(await inside?.evaluate("getComputedStyle(document.querySelector('h1')).color")).toBe(
        "rgb(1, 2, 3)",
      );
      expect(await page.title()).toBe("lab · Spillway");
      expect(complaints.some((line) => /Blocked script execution/.test(line))).toBe(true);
      expect(
        complaints.filter((line) => !/Blocked script|Content Security Policy|csp/.test(line)),
      ).toEqual([]);
    });

    test("is not loaded again when another comes", async () => {
      mails = [{ ...mail, html: "<p>first</p>" }];
      await section("mails").locator("summary").click();
      const frame = page.frameLocator("#mail-list iframe");
      await frame.getByText("first").waitFor();
      await page.frames()[1]?.evaluate("document.body.dataset.mark = 'same'");
      mails = [{ ...mail, id: "8", subject: "second" }, ...mails];
      await section("mails").getByText("second").waitFor();
      expect(await frame.locator("body").getAttribute("data-mark")).toBe("same");
    });

    test("shows its text, in which addresses are links of their own tab", async () => {
      mails = [{ ...mail, text: `See https://shop.example/r/1?a=b. ${markup}` }];
      await section("mails").locator("summary").click();
      const link = page.getByRole("link", { name: "https://shop.example/r/1?a=b" });
      expect(await link.getAttribute("href")).toBe("https://shop.example/r/1?a=b");
      expect(await link.getAttribute("target")).toBe("_blank");
      expect(await link.getAttribute("rel")).toBe("noopener noreferrer");
    });

    test("is counted beyond those that are shown", async () => {
      mails = [{ ...mail, text: "words" }];
      await section("mails").getByText("1 of 312").waitFor();
    });
  });

  describe("a post", () => {
    const section1 = (text: string): PostState["post"] => ({
      text: "for notifications",
      blocks: [{ type: "section", text }],
    });
    const shown = section.bind(undefined, "posts");

    test("looks as in the channel: header, bold, italic, links, fields", async () => {
      posts = [
        {
          id: "1",
          chat: "team",
          at,
          post: {
            text: "for notifications",
            blocks: [
              { type: "header", text: "Daily *report*" },
              { type: "section", text: "*bold* _it_ <https://a.example/?a=1&amp;b=2|the report>" },
              { type: "fields", fields: ["*Orders*\n312", "*Errors*\n0"] },
            ],
          },
        },
      ];
      await shown().locator(".said h3", { hasText: "Daily *report*" }).waitFor();
      expect(await shown().locator(".said b").allTextContents()).toEqual([
        "bold",
        "Orders",
        "Errors",
      ]);
      expect(await shown().locator(".said i").allTextContents()).toEqual(["it"]);
      const link = shown().getByRole("link", { name: "the report" });
      expect(await link.getAttribute("href")).toBe("https://a.example/?a=1&b=2");
    });

    test("of text alone shows the text", async () => {
      posts = [{ id: "1", at, post: { text: "payment of *8f1* failed" } }];
      await shown().locator(".said b", { hasText: "8f1" }).waitFor();
    });

    test.each([
      ["2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"],
      ["a &lt;b&gt; &amp;amp;", "a <b> &amp;"],
      ["`*code*`", "*code*"],
      ["<!here> <@U1|ada>", "@here ada"],
      ["<javascript:alert(1)|click>", "click"],
      [markup, undefined],
    ])("of %s is safe and plain", async (words, expected) => {
      posts = [{ id: "1", at, post: section1(words) }];
      const said = shown().locator(".said p").last();
      await said.waitFor();
      if (expected !== undefined) expect(await said.textContent()).toBe(expected);
      expect(await said.locator("a, img, script").count()).toBe(0);
      expect(await page.title()).toBe("lab · Spillway");
    });
  });

  test("a dead letter is redriven at a click, and stands wide with its reason", async () => {
    letters = [{ id: "1", body: { key: markup }, reason: 'parcel "1": torn; wrap it again', at }];
    await section("queues").locator("summary", { hasText: "torn; wrap it again" }).click();
    await page.getByRole("link", { name: "Queues 1 dead" }).waitFor();
    await page.getByRole("button", { name: "Redrive" }).click();
    await page.getByText("Back in queue parcels").waitFor();
    expect(letters).toEqual([]);
  });

  test("a stream shows its readers and how far they are", async () => {
    await section("channels").locator("summary").click();
    await section("channels").getByText("read to 41").waitFor();
    await section("channels").getByText("7 behind").waitFor();
  });

  test("documents are counted beyond those that are shown", async () => {
    await section("documents").getByText("1 of 12,843 documents").waitFor();
  });

  test("the navigation leads to each section, and names none that the system has not", async () => {
    const links = page.getByRole("navigation").getByRole("link");
    const names = (await links.allTextContents()).map((name) => name.replace(/\s+\S*$/, ""));
    const visible = await Promise.all((await links.all()).map((link) => link.isVisible()));
    expect(names.filter((_, index) => visible[index])).toEqual([
      "Workloads",
      "Requests",
      "Objects",
      "Workflows",
      "Schedules",
      "Queues",
      "Channels",
      "Mails",
      "Posts",
      "Documents",
    ]);
    expect(await section("routes").isVisible()).toBe(false);
    await links.filter({ hasText: "Documents" }).click();
    const top = "document.querySelector('#documents').getBoundingClientRect().top";
    await expect.poll(() => page.evaluate(`${top} < innerHeight`)).toBe(true);
  });

  test("the new parts can be used with the keyboard alone", async () => {
    await page.locator("#objects input[type=file]").focus();
    const outline = "getComputedStyle(document.querySelector('.drop')).outlineStyle";
    await page.keyboard.press("Tab");
    await page.keyboard.press("Shift+Tab");
    expect(await page.evaluate(outline)).toBe("solid");
    await page.getByRole("button", { name: /parcel-1/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("img", { name: /parcel-1 is compensated/ }).waitFor();
    const focused = "document.activeElement.textContent";
    expect(await page.evaluate(focused)).toContain("parcel-1");
    await page.getByRole("button", { name: "Run daily now" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => runs).toEqual(["daily"]);
  });

  test.each([
    ["light", 1280],
    ["light", 400],
    ["dark", 1280],
    ["dark", 400],
  ] as const)("all of it can be read in %s at %i pixels", async (colorScheme, width) => {
    mails = [{ id: "7", to: "a@b.c", subject: "hello", text: "words https://a.example/b", at }];
    posts = [{ id: "1", chat: "team", at, post: { text: "*bold* <https://a.example|link>" } }];
    letters = [{ id: "1", body: {}, reason: 'parcel "1": torn', at }];
    await served.post("/schedules/daily/run", {});
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await section("posts").getByText("bold").waitFor();
    await page.getByRole("button", { name: /parcel-1/ }).click();
    for (const one of await page.locator("main summary").all()) await one.click();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect(await contrasts(page)).toEqual([]);
  });
});
