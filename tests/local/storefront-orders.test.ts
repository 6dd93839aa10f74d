import { afterAll, expect, test } from "vitest";
import { type Started, start, storefront, temporary } from "./harness.ts";

const credentials = { email: "ada@example.com", password: "Analytical-Engine-1" };
const patience = { timeout: 120_000, interval: 250 };

const data = temporary();
let host: Started;
afterAll(async () => {
  expect(await host.end()).toBe(0);
  data.remove();
});

/** Who orders; signed in anew on each host. */
async function customer() {
  const answer = await host.post("/api/auth/sign-in", credentials);
  const { accessToken } = (await answer.json()) as { accessToken: string };
  const headers = { authorization: `Bearer ${accessToken}` };
  return {
    place: (key: string) =>
      host.post(
        "/api/v1/orders",
        { items: [{ sku: "print-a4", quantity: 1 }], email: credentials.email },
        { ...headers, "idempotency-key": key },
      ),
    list: async () => {
      const listed = await fetch(`${host.url}/api/v1/orders?limit=100`, { headers });
      const { orders } = (await listed.json()) as { orders: { id: string; status: string }[] };
      return orders;
    },
  };
}

test("orders that were answered are fulfilled, each once, though the host is killed amid them", async () => {
  host = await start(storefront, data.folder);
  await host.post("/api/auth/sign-up", credentials);
  const code = /\b\d{6}\b/.exec((await host.state()).mails[0]?.text ?? "")?.[0];
  await host.post("/api/auth/confirm", { email: credentials.email, code });

  const keys = Array.from({ length: 40 }, (_, n) => `k-${n}`);
  const answered = new Map<string, string>();
  const first = await customer();
  let gone: Promise<unknown> | undefined;
  await Promise.allSettled(
    keys.map(async (key) => {
      const answer = await first.place(key);
      expect(answer.status).toBe(201);
      answered.set(key, ((await answer.json()) as { id: string }).id);
      if (answered.size === 10) gone = host.end("SIGKILL");
    }),
  );
  await gone;
  expect(answered.size).toBeGreaterThanOrEqual(10);

  host = await start(storefront, data.folder);
  const { place, list } = await customer();
  const ids = await Promise.all(
    keys.map(async (key) => ((await (await place(key)).json()) as { id: string }).id),
  );
  expect(new Set(ids).size).toBe(keys.length);
  for (const [key, id] of answered) expect(ids[keys.indexOf(key)]).toBe(id);
  await expect
    .poll(
      async () => (await list()).filter(({ status }) => status === "fulfilled").length,
      patience,
    )
    .toBe(keys.length);
  expect((await list()).map(({ id }) => id).sort()).toEqual([...ids].sort());
});
