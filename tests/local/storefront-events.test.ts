import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eicar } from "../../runtime/adapters/local/eicar.ts";
import { colourAt, flag } from "../functions/images.ts";
import { type JsonState, type Started, start, storefront, temporary } from "./harness.ts";

const email = "ada@example.com";
const password = "Analytical-Engine-1";
/** How long something that happens by itself may take, in milliseconds: a busy machine is slow. */
const patience = { timeout: 120_000, interval: 250 };

interface Checkout {
  readonly id: string;
  readonly status: string;
  readonly because?: string;
}

describe("events, with npm start and curl:", () => {
  const data = temporary();
  let host: Started;
  let headers: { authorization: string };
  let userId: string;

  const get = async <T>(address: string): Promise<T> => {
    const response = await fetch(new URL(address, host.url), { headers });
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  };
  const mailTo = (subject: RegExp) => (state: JsonState) =>
    state.mails.some((mail) => mail.to === email && subject.test(mail.subject));
  const documentOf = ({ tables }: JsonState, pk: string, sk: string) =>
    tables.flatMap(({ items }) => items).find((item) => item.pk === pk && item.sk.startsWith(sk))
      ?.document;

  beforeAll(async () => {
    host = await start(storefront, data.folder);
    await host.post("/api/auth/sign-up", { email, password });
    const code = /\b\d{6}\b/.exec((await host.state()).mails[0]?.text ?? "")?.[0];
    await host.post("/api/auth/confirm", { email, code });
    const signedIn = await host.post("/api/auth/sign-in", { email, password });
    const { accessToken } = (await signedIn.json()) as { accessToken: string };
    headers = { authorization: `Bearer ${accessToken}` };
    const profile = await host.post("/users", { name: "Ada" }, headers);
    userId = ((await profile.json()) as { id: string }).id;
  }, 180_000);
  afterAll(async () => {
    expect(await host.end()).toBe(0);
    data.remove();
  });

  /** Uploads as a browser does, and says where to ask for it. */
  const upload = async (name: string, content: Uint8Array) => {
    const wanted = { name, contentType: "image/jpeg", bytes: content.byteLength };
    const answer = await host.post(`/users/${userId}/uploads`, wanted, headers);
    expect(answer.status).toBe(201);
    const { url, fields } = (await answer.json()) as {
      url: string;
      fields: Record<string, string>;
    };
    const form = new FormData();
    for (const [field, value] of Object.entries(fields)) form.append(field, value);
    form.append("file", new Blob([new Uint8Array(content)]), name);
    expect((await fetch(url, { method: "POST", body: form })).status).toBe(204);
    return { status: answer.headers.get("location") ?? "", key: fields.key ?? "" };
  };

  /** Orders, and waits until the customer is told how it ended. */
  const checkout = async (key: string, sku: string, source: string): Promise<Checkout> => {
    const items = [{ sku, quantity: 1 }];
    const answer = await host.post(
      "/checkouts",
      { items, source, email },
      { ...headers, "idempotency-key": key },
    );
    expect(answer.status).toBe(202);
    const { statusUrl } = (await answer.json()) as { statusUrl: string };
    await expect
      .poll(async () => (await get<Checkout>(statusUrl)).status, patience)
      .not.toBe("running");
    return get(statusUrl);
  };

  test("a photo that lies on its side has three upright thumbnails, a row and links", async () => {
    // Red on the left as it is stored; orientation 6 turns that to the top.
    const photo = await flag(1800, 1400).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const { status, key } = await upload("summer 1%.jpg", photo);
    await expect
      .poll(async () => (await get<{ status: string }>(status)).status, patience)
      .toBe("ready");

    const image = await get<{
      width: number;
      height: number;
      sizes: { name: string; width: number; height: number; url: string }[];
    }>(status);
    expect(image).toMatchObject({ width: 1400, height: 1800 });
    expect(image.sizes.map(({ name, height }) => [name, height])).toEqual([
      ["thumb", 150],
      ["medium", 600],
      ["large", 1200],
    ]);
    for (const { url, width, height } of image.sizes) {
      const picture = await fetch(url);
      expect(picture.headers.get("content-type")).toBe("image/webp");
      const bytes = new Uint8Array(await picture.arrayBuffer());
      const made = await sharp(bytes).metadata();
      expect(made).toMatchObject({ format: "webp", width, height });
      expect(made.exif).toBeUndefined();
      const x = Math.floor(width / 4);
      const [topRed = 0, topGreen = 0] = await colourAt(bytes, x, Math.floor(height / 8));
      expect(topRed).toBeGreaterThan(topGreen);
      const [red = 0, green = 0] = await colourAt(bytes, x, Math.floor((height * 7) / 8));
      expect(green).toBeGreaterThan(red);
    }
    const row = documentOf(await host.state(), `IMAGE#${key}`, "META");
    expect(row).toMatchObject({ key, name: "summer 1%.jpg", width: 1400, height: 1800 });
    expect(row?.sizes).toHaveLength(3);
    // Two by two fields: to the model they are checks.
    await expect
      .poll(async () => (await get<{ label?: string }>(status)).label, patience)
      .toBe("pattern");
  });

  test("a file that is cut short is in the dead letters with its reason", async () => {
    const photo = await flag(400, 300).jpeg().toBuffer();
    const { status, key } = await upload("cut.jpg", photo.subarray(0, photo.byteLength / 2));
    const state = await host.until(
      ({ queues }) => queues.some(({ name, dead }) => name === "thumbnails" && dead === 1),
      120,
    );
    const [letter] = state.queues.find(({ name }) => name === "thumbnails")?.deadLetters ?? [];
    expect(letter).toMatchObject({ body: { key } });
    expect(letter?.reason).toMatch(/cut\.jpg.*damaged or cut short.*upload another file/);
    const answer = await get(status);
    expect(answer).toMatchObject({
      status: "refused",
      reason: expect.stringMatching(/cut short/),
    });
  });

  test("a photo that carries the scanner's test signature is never served", async () => {
    const photo = await flag(400, 300).jpeg().toBuffer();
    // Behind the picture's end, where no decoder looks.
    const { status } = await upload("odd.jpg", Buffer.concat([photo, Buffer.from(eicar)]));
    await expect
      .poll(async () => (await get<{ status: string }>(status)).status, patience)
      .toBe("infected");
    expect(JSON.stringify(await get(status))).not.toContain("http");
  });

  test("a checkout whose payment is declined ends released and notified", async () => {
    // There is one of these: whoever orders next gets it only where it was let go.
    const declined = await checkout("declined", "first-edition", "tok_declined");
    expect(declined).toMatchObject({ status: "compensated", because: "payment" });
    const state = await host.until(mailTo(/^We are sorry/), 120);
    const steps = state.workflows[0]?.executions.find(({ id }) => id === declined.id)?.steps ?? [];
    expect(Object.fromEntries(steps.map((step) => [step.name, step.state]))).toMatchObject({
      validate: "done",
      reserve: "compensated",
      pay: "failed",
      confirm: "skipped",
      release: "done",
      refund: "done",
      apologise: "done",
    });
    const taken = await checkout("after-declined", "first-edition", "tok_ok");
    expect(taken.status).toBe("confirmed");
    const late = await checkout("too-late", "first-edition", "tok_ok");
    expect(late).toMatchObject({ status: "compensated", because: "stock" });
  });

  test("a checkout that is paid ends confirmed, fulfilled and mailed", async () => {
    const { id, ...ended } = await checkout("paid", "print-a4", "tok_ok");
    expect(ended).toMatchObject({ status: "confirmed", total: 1200, currency: "EUR" });
    const state = await host.until(
      (now) => documentOf(now, `ORDER#${id}`, "FULFILMENT") !== undefined,
      120,
    );
    expect(documentOf(state, `ORDER#${id}`, "FULFILMENT")).toMatchObject({ status: "packed" });
    await host.until(mailTo(new RegExp(`^Your order ${id}$`)), 120);
    // Asked again with its key, it is the same order.
    expect((await checkout("paid", "print-a4", "tok_ok")).id).toBe(id);
  });

  test("a report is taken at once, shows how far it is, and its links open", async () => {
    const day = new Date().toISOString().slice(0, 10);
    const answer = await host.post("/reports", { from: day, to: day, email }, headers);
    expect(answer.status).toBe(202);
    const { statusUrl } = (await answer.json()) as { statusUrl: string };
    expect(answer.headers.get("location")).toBe(statusUrl);

    const progress: number[] = [];
    await expect
      .poll(async () => {
        const report = await get<{ status: string; progress: number }>(statusUrl);
        progress.push(report.progress);
        return report.status;
      }, patience)
      .toBe("done");
    expect(progress.toSorted((a, b) => a - b)).toEqual(progress);
    expect(progress.at(-1)).toBe(1);

    const { links } = await get<{ links: { csv: string; pdf: string } }>(statusUrl);
    const csv = await fetch(links.csv);
    expect(csv.headers.get("content-type")).toMatch(/^text\/csv/);
    expect(await csv.text()).toMatch(/\r\n/);
    expect(await (await fetch(links.pdf)).text()).toMatch(/^%PDF-/);

    const { mails } = await host.until(mailTo(/^Your report is ready$/), 120);
    const mail = mails.find(({ subject }) => subject === "Your report is ready");
    const link = /http:\S+/.exec(mail?.text ?? "")?.[0] ?? "";
    expect(await (await fetch(link)).text()).toMatch(/^%PDF-/);
  });

  test("a click is counted", async () => {
    const click = { page: "/prints", session: "s-1" };
    const answer = await host.post("/clicks", { clicks: [click, click] });
    expect(answer.status).toBe(202);
    const state = await host.until(
      (now) => documentOf(now, "CLICKS#/prints", "") !== undefined,
      120,
    );
    expect(documentOf(state, "CLICKS#/prints", "")).toEqual({ count: 2 });
  });
});
