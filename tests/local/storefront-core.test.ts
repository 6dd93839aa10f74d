import { afterAll, beforeAll, expect, test } from "vitest";
import { type Started, start, storefront, temporary } from "./harness.ts";

const credentials = { email: "ada@example.com", password: "Analytical-Engine-1" };
const patience = { timeout: 120_000, interval: 250 };

const data = temporary();
let host: Started;
let token: string;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  host = await start(storefront, data.folder);
  await host.post("/api/auth/sign-up", credentials);
  const code = /\b\d{6}\b/.exec((await host.state()).mails[0]?.text ?? "")?.[0];
  await host.post("/api/auth/confirm", { email: credentials.email, code });
  const answer = await host.post("/api/auth/sign-in", credentials);
  token = ((await answer.json()) as { accessToken: string }).accessToken;
}, 180_000);
afterAll(async () => {
  for (const socket of sockets) socket.close();
  expect(await host.end()).toBe(0);
  data.remove();
});

const bearer = () => ({ authorization: `Bearer ${token}` });
const place = (key: string) =>
  host.post(
    "/api/v1/orders",
    { items: [{ sku: "print-a4", quantity: 2 }], email: credentials.email },
    { ...bearer(), "idempotency-key": key },
  );

interface Told {
  readonly type: string;
  readonly room?: string;
  readonly position?: string;
  readonly lost?: boolean;
  readonly message?: { readonly type: string; readonly orderId?: string };
}

/** A browser's socket, once there is one: who is refused comes again, as clients do. */
async function open(): Promise<WebSocket> {
  for (const until = Date.now() + patience.timeout; ; ) {
    const url = `${host.url.replace("http", "ws")}/presence`;
    const socket = new WebSocket(url, ["spillway.v1", `bearer.${token}`]);
    const opened = await new Promise((resolve) => {
      socket.addEventListener("open", () => resolve(true));
      socket.addEventListener("error", () => resolve(false));
    });
    if (opened) return socket;
    if (Date.now() > until) throw new Error(`no socket; ${host.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** A socket in the room of one's own orders. */
async function listen(after?: string) {
  const socket = await open();
  sockets.push(socket);
  const told: Told[] = [];
  let closed: number | undefined;
  socket.addEventListener("message", ({ data: text }) => told.push(JSON.parse(String(text))));
  socket.addEventListener("close", ({ code }) => {
    closed = code;
  });
  socket.send(JSON.stringify({ type: "join", room: "orders", ...(after && { after }) }));
  await expect.poll(() => told.find(({ type }) => type === "joined"), patience).toBeDefined();
  return {
    told,
    closed: () => closed,
    position: () => told.findLast(({ position }) => position !== undefined)?.position,
    fulfilled: () =>
      told.flatMap(({ message }) =>
        message?.type === "order.fulfilled" ? [message.orderId as string] : [],
      ),
  };
}

/** Processes of a workload on containers, as the dashboard knows them. */
async function replicasOf(workload: string) {
  const { workloads } = await host.state();
  return workloads.find(({ name }) => name === workload)?.container?.replicas ?? [];
}

test("an order placed over REST is seen over GraphQL, and its fulfilment comes on a web socket", async () => {
  const socket = await listen();
  const answer = await place("first");
  expect(answer.status).toBe(201);
  const { id } = (await answer.json()) as { id: string };

  const query = "query ($id: ID!) { order(id: $id) { id status total { amount currency } } }";
  const seen = await host.post("/graphql", { query, variables: { id } }, bearer());
  const { data: found, errors } = (await seen.json()) as {
    data: { order: { id: string; total: object } };
    errors?: object;
  };
  expect(errors).toBeUndefined();
  expect(found.order).toMatchObject({ id, total: { amount: 2_400, currency: "EUR" } });
  await expect.poll(socket.fulfilled, patience).toContain(id);
});

test("a replica that is killed loses no answered order", async () => {
  const answered: string[] = [];
  const before = await replicasOf("orders");
  expect(before.length).toBeGreaterThanOrEqual(2);
  await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      if (n === 10) process.kill(before[0]?.pid as number, "SIGKILL");
      // What has no answer is sent again with its key, as clients do.
      await expect
        .poll(async () => {
          const answer = await place(`kill-${n}`);
          if (answer.status === 201) answered.push(((await answer.json()) as { id: string }).id);
          return answer.status;
        }, patience)
        .toBe(201);
    }),
  );
  expect(new Set(answered).size).toBe(30);
  const listed = await fetch(`${host.url}/api/v1/orders?limit=100`, { headers: bearer() });
  const { orders } = (await listed.json()) as { orders: { id: string }[] };
  expect(orders.map(({ id }) => id)).toEqual(expect.arrayContaining(answered));
  await expect
    .poll(async () => (await replicasOf("orders")).map(({ status }) => status), patience)
    .toEqual(before.map(() => "healthy"));
});

test("a socket whose replica is killed resumes elsewhere, and has missed nothing", async () => {
  const first = await listen();
  const { id: seen } = (await (await place("seen")).json()) as { id: string };
  await expect.poll(first.fulfilled, patience).toContain(seen);
  const position = first.position();

  for (const { pid } of await replicasOf("presence")) process.kill(pid as number, "SIGKILL");
  await expect.poll(first.closed, patience).toBeDefined();
  const { id: missed } = (await (await place("missed")).json()) as { id: string };

  const again = await listen(position);
  expect(again.told.find(({ type }) => type === "joined")).toMatchObject({ lost: false });
  await expect.poll(again.fulfilled, patience).toContain(missed);
  expect(again.fulfilled()).not.toContain(seen);
});
