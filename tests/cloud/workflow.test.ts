import { randomUUID } from "node:crypto";
import { DescribeExecutionCommand } from "@aws-sdk/client-sfn";
import { type ServerType, serve } from "@hono/node-server";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { create as provider } from "../../functions/payments-sandbox/index.ts";
import { table } from "../../runtime/adapters/aws/table.ts";
import { workflow } from "../../runtime/adapters/aws/workflow.ts";
import type { Json } from "../../runtime/ports/index.ts";
import { createTable } from "../contract/aws/resources.ts";
import { Cloud } from "./cloud.ts";
import { startInterpreter } from "./interpreter.ts";
import { execute, type Mishap } from "./machine.ts";
import { mailsTo } from "./mailbox.ts";
import { settle } from "./sources.ts";

const sku = "camera-strap";

describe("an execution of the state machine, its steps by their bundle", () => {
  let cloud: Cloud;
  let payments: ServerType;
  let askPayments: (request: Request) => Response | Promise<Response>;
  let isDown = false;
  const tokens = new Set<string | null>();

  beforeAll(async () => {
    payments = serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        tokens.add(request.headers.get("authorization"));
        return isDown ? new Response(null, { status: 503 }) : askPayments(request);
      },
    });
    await new Promise((resolve) => payments.once("listening", resolve));
    const { port } = payments.address() as { port: number };
    // What the bundle was told of the provider is what a deployment tells it: a name.
    const hosts = { "https://api.payments.example": `http://127.0.0.1:${port}` };
    cloud = await Cloud.start({ hosts });
    const location = await createTable(cloud.clients.dynamodb);
    const client = cloud.clients.dynamodb;
    const app = provider({ table: table({ name: "payments", location, client }) });
    askPayments = (request) => app.fetch(request);
    await (await cloud.function("checkout")).start();
  });
  beforeEach(() => {
    isDown = false;
  });
  afterAll(async () => {
    await cloud?.stop();
    payments?.close();
  });

  const orderOf = (id: string, source = "tok_ok") => ({
    items: [{ sku, quantity: 1 }],
    source,
    email: `${id}@example.com`,
  });
  const run = (
    id: string,
    source?: string,
    mishap?: (state: string, n: number) => Mishap | undefined,
  ) => execute(cloud, id, orderOf(id, source), mishap);
  const newId = () => `c-${randomUUID().slice(0, 8)}`;

  /** What the provider has of a checkout: what was taken, and what was given back. */
  async function moneyOf(id: string) {
    const listed = async (kind: string, key: string) => {
      const answer = await askPayments(new Request(`http://payments/v1/${kind}`));
      const { data } = (await answer.json()) as { data: Record<string, Json>[] };
      return data.filter((one) => one[key] === id).map(({ status }) => status);
    };
    return {
      charges: await listed("charges", "key"),
      refunds: await listed("refunds", "charge_key"),
    };
  }
  const stock = async () =>
    (await cloud.documents(`STOCK#${sku}`)).UNITS as { sold: number; holds: object } | undefined;
  const stateOf = async (id: string) => (await cloud.documents(`CHECKOUT#${id}`)).STATE;

  /** Works off what a checkout has sent. @returns the order's and the customer's side of it */
  async function aftermath(id: string) {
    for (const workload of ["fulfil", "activity", "notify"])
      for (const { answer } of await settle(cloud, workload))
        expect(answer).toEqual({ batchItemFailures: [] });
    const packed = (await cloud.documents(`ORDER#${id}`)).FULFILMENT?.status;
    const told = Object.values(
      await cloud.documents(`ACTIVITY#${new Date().toISOString().slice(0, 10)}`),
    ).flatMap(({ type, data }) => ((data as { orderId?: string }).orderId === id ? [type] : []));
    return { packed, told: told.sort(), mails: mailsTo(cloud, `${id}@example.com`).length };
  }

  test("that goes well sells, takes the money once, and sets the rest going", async () => {
    const id = newId();
    const sold = (await stock())?.sold ?? 0;
    const { status, output, tasks } = await run(id);
    expect([status, (output as { status: string }).status]).toEqual(["SUCCEEDED", "done"]);
    expect(tasks.map(({ state }) => state)).toEqual(["validate", "reserve", "pay", "confirm"]);
    expect(await moneyOf(id)).toEqual({ charges: ["succeeded"], refunds: [] });
    expect(await stock()).toMatchObject({ sold: sold + 1, holds: {} });
    expect(await aftermath(id)).toEqual({
      packed: "packed",
      told: ["order.fulfilled", "order.paid", "order.placed"],
      mails: 1,
    });
    expect([...tokens]).toEqual(["Bearer value-of-payments-key"]);
  });

  test("whose card is declined lets go of the stock and says so", async () => {
    const id = newId();
    const before = await stock();
    const { output, tasks } = await run(id, "tok_declined");
    expect(output).toMatchObject({
      status: "compensated",
      failed: { step: "pay", error: { Error: "Refused" } },
    });
    expect(tasks.map(({ state }) => state)).toEqual([
      ...["validate", "reserve", "pay", "refund", "release", "apologise"],
    ]);
    expect(await stock()).toMatchObject({ sold: before?.sold, holds: {} });
    expect(await moneyOf(id)).toMatchObject({ charges: ["failed"] });
    expect(await stateOf(id)).toMatchObject({ status: "compensated", because: "payment" });
    expect(await aftermath(id)).toEqual({ packed: undefined, told: [], mails: 1 });
  });

  test.each<readonly [string, Mishap, number, "done" | "compensated"]>([
    ["validate", "throttled", 3, "done"],
    ["reserve", "killed", 1, "done"],
    ["reserve", "lost", 3, "done"],
    ["reserve", "lost", 4, "compensated"],
    ["pay", "killed", 1, "done"],
    ["pay", "lost", 2, "done"],
    ["pay", "lost", 3, "compensated"],
    ["confirm", "killed", 2, "done"],
    ["confirm", "lost", 3, "done"],
  ])("whose %s is %s, times %i, ends %s and whole", async (step, mishap, times, end) => {
    const id = newId();
    const before = await stock();
    const { output } = await run(id, "tok_ok", (state, n) =>
      state === step && n < times ? mishap : undefined,
    );
    expect((output as { status: string }).status).toBe(end);
    const { charges, refunds } = await moneyOf(id);
    const sold = before?.sold ?? 0;
    if (end === "done") {
      expect({ charges, refunds }).toEqual({ charges: ["succeeded"], refunds: [] });
      expect(await stock()).toMatchObject({ sold: sold + 1, holds: {} });
    } else {
      // What was taken was given back; what was not is refused from now on.
      expect(charges).toEqual(step === "pay" ? ["succeeded"] : []);
      expect(refunds).toEqual(step === "pay" ? ["succeeded"] : []);
      expect(await stock()).toMatchObject({ sold, holds: {} });
    }
    expect(await aftermath(id)).toMatchObject({
      packed: end === "done" ? "packed" : undefined,
      mails: 1,
    });
  });

  test("that was confirmed, and nobody learnt it, keeps what it sold", async () => {
    const id = newId();
    const { output } = await run(id, "tok_ok", (state) =>
      state === "confirm" ? "lost" : undefined,
    );
    expect((output as { status: string }).status).toBe("compensated");
    expect(await moneyOf(id)).toEqual({ charges: ["succeeded"], refunds: [] });
    expect(await stateOf(id)).toMatchObject({ status: "confirmed" });
    expect(await aftermath(id)).toMatchObject({ packed: "packed", mails: 1 });
  });

  test("that cannot be undone fails, for somebody to look, and undoes what it can", async () => {
    const id = newId();
    const { status, error, tasks } = await execute(cloud, id, orderOf(id), (state) => {
      isDown = state === "refund";
      return state === "confirm" ? "throttled" : undefined;
    });
    expect([status, error]).toEqual(["FAILED", "CompensationFailed"]);
    expect(tasks.filter(({ state }) => state === "refund").length).toBeGreaterThan(1);
    expect(await stock()).toMatchObject({ holds: {} });
    expect(await moneyOf(id)).toEqual({ charges: ["succeeded"], refunds: [] });
  });

  test("goes the same way on another interpreter, with what its steps returned", async () => {
    const id = newId();
    const { output, tasks } = await run(id);
    const returned = tasks.map(({ result }) => result);
    const { sfn, close } = await startInterpreter(cloud, "checkout", returned);
    try {
      // Where those who start it are told that it is.
      const location = cloud.environment("checkouts").SPILLWAY_WORKFLOW_CHECKOUT ?? "";
      const port = workflow({ name: "checkout", location, client: sfn });
      await port.start(id, orderOf(id));
      await expect
        .poll(() => port.status(id), { timeout: 60_000 })
        .toMatchObject({ id, status: "done" });
      const executionArn = `${location.replace(":stateMachine:", ":execution:")}:${id}`;
      const described = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      expect(JSON.parse(described.output ?? "")).toEqual(output);
    } finally {
      await close();
    }
  });
});
