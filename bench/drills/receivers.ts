import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { create as payments } from "../../functions/payments-sandbox/index.ts";
import { type Mailbox, startMailbox } from "../../tests/contract/local/mailbox.ts";
import { memoryTable } from "../../tests/functions/fakes.ts";
import { unanswered } from "./plan.ts";

/** What the world outside the host got. It is not in the host's process: no kill touches it. */
export interface Receivers {
  /** Variables by which the host finds it. */
  readonly env: Readonly<Record<string, string>>;
  readonly mails: Mailbox["received"];
  /** Texts of the posts, one for each time that it came. */
  readonly posts: readonly string[];
  /** How often each charge was asked for, by its key. */
  readonly chargesAsked: ReadonlyMap<string, number>;
  /** What the provider has in its books. */
  books(): Promise<Books>;
  close(): Promise<void>;
}

export interface Books {
  readonly charges: readonly {
    readonly key: string;
    readonly status: string;
    readonly amount: number;
  }[];
  readonly refunds: readonly {
    readonly charge_key: string;
    readonly status: string;
    readonly amount: number;
  }[];
}

/** Starts a mail server, a chat's webhook and a payment provider on loopback. */
export async function startReceivers(): Promise<Receivers> {
  const mailbox = await startMailbox();
  const posts: string[] = [];
  const chat = new Hono().post("/hook", async (c) => {
    posts.push(((await c.req.json()) as { text: string }).text);
    return c.text("ok");
  });
  const chargesAsked = new Map<string, number>();
  const provider = providerOf(chargesAsked);
  const chatServer = await served((request) => chat.fetch(request));
  const providerServer = await served((request) => provider.fetch(request));
  return {
    env: {
      SPILLWAY_SMTP_URL: mailbox.url,
      SPILLWAY_SECRET_SLACK_URL: `${chatServer.url}/hook`,
      SPILLWAY_API_PAYMENTS: providerServer.url,
    },
    mails: mailbox.received,
    posts,
    chargesAsked,
    async books() {
      const read = async (what: string) =>
        ((await (await provider.request(`/v1/${what}`)).json()) as { data: never[] }).data;
      return { charges: await read("charges"), refunds: await read("refunds") };
    },
    async close() {
      await Promise.all([mailbox.close(), chatServer.close(), providerServer.close()]);
    },
  };
}

/** The sandbox, which takes the money of one more source and then never says so. */
function providerOf(asked: Map<string, number>) {
  const sandbox = payments({ table: memoryTable() });
  const context = { requestId: "drill" };
  const app = new Hono();
  app.post("/v1/charges", async (c) => {
    const key = c.req.header("idempotency-key") ?? "";
    asked.set(key, (asked.get(key) ?? 0) + 1);
    const text = await c.req.text();
    const { source } = JSON.parse(text) as { source?: string };
    const body = source === unanswered ? text.replace(unanswered, "tok_ok") : text;
    const answer = await sandbox.request(
      "/v1/charges",
      { method: "POST", headers: c.req.raw.headers, body },
      context,
    );
    if (source !== unanswered || answer.status !== 201) return answer;
    return c.json({ error: { code: "lost" } }, 503);
  });
  app.all("*", (c) => sandbox.fetch(c.req.raw, context));
  return app;
}

function served(fetch: (request: Request) => Response | Promise<Response>) {
  return new Promise<{ url: string; close(): Promise<void> }>((done) => {
    const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
      done({
        url: `http://127.0.0.1:${port}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      }),
    );
  });
}
