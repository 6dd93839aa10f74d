import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { closeUpstreams } from "../../../local/gateway/proxy.ts";
import { deadReplica, type FakeReplica, fakeReplica, gatewayTo, inOrder } from "./replicas.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  closeUpstreams();
});

const replica = async (...given: Parameters<typeof fakeReplica>) => {
  const made = await fakeReplica(...given);
  ends.push(made.close);
  return made;
};
const gatewayOver = async (replicas: readonly FakeReplica[], why?: string) => {
  const made = await gatewayTo(inOrder(replicas, why));
  ends.push(made.drain);
  return made;
};
const saying = (text: string) => replica((_, outgoing) => outgoing.end(text));
/** Takes the request, and breaks off before it answers. */
const breaking = () =>
  replica((incoming) => incoming.resume().on("end", () => incoming.socket.destroy()));

describe("a request to a workload with replicas", () => {
  test("reaches one as it was sent, without what was for the connection alone", async () => {
    const one = await saying("hello");
    const { url, port } = await gatewayOver([one]);
    await new Promise<void>((resolve) => {
      const headers = {
        connection: "close, x-private",
        "x-private": "1",
        "x-public": "2",
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-proto": "https",
        authorization: "Bearer t",
      };
      request(`${url}/asked?a=%20b&c`, { headers }, (answer) => {
        expect(answer.statusCode).toBe(200);
        answer.resume().on("end", resolve);
      }).end();
    });
    const [asked] = one.asked;
    expect(asked?.url).toBe("/asked?a=%20b&c");
    expect(asked?.headers).toMatchObject({
      host: `127.0.0.1:${port}`,
      "x-public": "2",
      "x-forwarded-for": "192.0.2.7, 127.0.0.1",
      "x-forwarded-proto": "http",
      authorization: "Bearer t",
    });
    expect(asked?.headers).not.toHaveProperty("x-private");
  });

  test("has one id on the way there and back", async () => {
    const one = await saying("hello");
    const { url } = await gatewayOver([one]);
    const headers = { "x-amzn-trace-id": "forged" };
    const answer = await fetch(`${url}/asked`, { headers });
    expect(one.asked[0]?.headers["x-amzn-trace-id"]).toBe(answer.headers.get("x-request-id"));
  });

  test("has its answer passed on: status, every header, a body as it comes", async () => {
    const one = await replica((_, outgoing) => {
      outgoing.writeHead(207, { "set-cookie": ["a=1", "b=2"], "x-own": "yes" });
      outgoing.write("first ");
      setTimeout(() => outgoing.end("last"), 50);
    });
    const { url } = await gatewayOver([one]);
    const answer = await fetch(`${url}/asked`);
    expect(answer.status).toBe(207);
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(answer.headers.get("x-own")).toBe("yes");
    const reader = answer.body?.getReader();
    const chunk = await reader?.read();
    expect(new TextDecoder().decode(chunk?.value)).toBe("first ");
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("last");
    await reader?.read();
    expect(one.inFlight).toBe(0);
  });

  test.each(["HEAD", "GET"])("takes an answer without a body to %s", async (method) => {
    const one = await replica((_, outgoing) =>
      outgoing.writeHead(method === "GET" ? 304 : 200).end(),
    );
    const { url } = await gatewayOver([one]);
    const answer = await fetch(`${url}/asked`, { method });
    expect([answer.status, await answer.text()]).toEqual([method === "GET" ? 304 : 200, ""]);
    await expect.poll(() => one.inFlight).toBe(0);
  });

  test("sends a large body no faster than it is read", async () => {
    let stored = 0;
    let on = () => {};
    const one = await replica((incoming, outgoing) => {
      incoming.pause();
      on = () =>
        incoming
          .on("data", (chunk: Buffer) => {
            stored += chunk.length;
          })
          .on("end", () => outgoing.end(String(stored)))
          .resume();
    });
    const { url } = await gatewayOver([one]);
    const bytes = 12 * 1_048_576;
    let sent = 0;
    const answer = new Promise<string>((resolve) => {
      const asking = request(
        `${url}/asked`,
        { method: "POST", headers: { "content-length": bytes } },
        (incoming) => {
          let text = "";
          incoming.on("data", (chunk) => {
            text += chunk;
          });
          incoming.on("end", () => resolve(text));
        },
      );
      const chunk = Buffer.alloc(65_536);
      const more = () => {
        while (sent < bytes) {
          sent += chunk.length;
          if (!asking.write(chunk)) return void asking.once("drain", more);
        }
        asking.end();
      };
      more();
    });
    await expect.poll(() => one.asked.length).toBe(1);
    // As long as nobody reads, it stays with the sender, but for what buffers on the way hold.
    let before = -1;
    while (before !== sent) {
      before = sent;
      await sleep(300);
    }
    expect(sent).toBeLessThan(bytes);
    on();
    expect(await answer).toBe(String(bytes));
  });

  test("ends at the replica when its client goes", async () => {
    const one = await replica(() => {});
    const { url } = await gatewayOver([one]);
    const leaving = new AbortController();
    const asking = fetch(`${url}/asked`, { signal: leaving.signal }).catch(() => {});
    await expect.poll(() => one.asked.length).toBe(1);
    leaving.abort();
    await asking;
    await expect.poll(() => [one.asked[0]?.socket.destroyed, one.inFlight]).toEqual([true, 0]);
  });
});

describe("where a replica is gone", () => {
  const post = { method: "POST", body: "{}" };
  const problem = async (answer: Response) => [
    answer.status,
    answer.headers.get("content-type"),
    ((await answer.json()) as { code: string }).code,
  ];

  test("what was not sent goes to the next", async () => {
    const { url } = await gatewayOver([await deadReplica(), await saying("next")]);
    expect(await (await fetch(`${url}/asked`, post)).text()).toBe("next");
  });

  test("what may be repeated goes to the next, with its body", async () => {
    const first = await breaking();
    const next = await replica((incoming, outgoing) => incoming.pipe(outgoing));
    const { url } = await gatewayOver([first, next]);
    expect((await fetch(`${url}/asked`)).status).toBe(200);
    const put = await fetch(`${url}/asked`, { method: "PUT", body: "kept" });
    expect(await put.text()).toBe("kept");
    expect([first.inFlight, next.inFlight]).toEqual([0, 0]);
  });

  test("what may have been done is a 502, and goes nowhere else", async () => {
    const next = await saying("next");
    const { url } = await gatewayOver([await breaking(), next]);
    expect(await problem(await fetch(`${url}/asked`, post))).toEqual([
      502,
      "application/problem+json",
      "unavailable",
    ]);
    expect(next.asked).toHaveLength(0);
  });

  test("an answer that breaks off is none: what may be repeated goes to the next", async () => {
    const first = await replica((incoming, outgoing) => {
      outgoing.writeHead(200, { "content-length": 10 });
      outgoing.write("half", () => incoming.socket.destroy());
    });
    const { url } = await gatewayOver([first, await saying("whole")]);
    expect(await (await fetch(`${url}/asked`)).text()).toBe("whole");
    const { url: other } = await gatewayOver([first, await saying("whole")]);
    expect((await fetch(`${other}/asked`, post)).status).toBe(502);
  });

  test("it is a 503 that says why where none is left", async () => {
    for (const replicas of [[], [await deadReplica()]]) {
      const { url } = await gatewayOver(replicas, "there is no licence here");
      const answer = await fetch(`${url}/asked`, post);
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(await answer.json()).toMatchObject({
        status: 503,
        code: "unavailable",
        detail: "No replica is healthy: there is no licence here",
      });
    }
  });

  test("nobody is asked a fourth time", async () => {
    const all = await Promise.all([breaking(), breaking(), breaking(), saying("fourth")]);
    const { url } = await gatewayOver(all);
    expect((await fetch(`${url}/asked`)).status).toBe(502);
  });

  test("an answer with a head that is too large is a 502", async () => {
    const one = await replica((_, outgoing) =>
      outgoing.writeHead(200, { "x-large": "x".repeat(20_000) }).end(),
    );
    const { url } = await gatewayOver([one]);
    expect((await fetch(`${url}/asked`, post)).status).toBe(502);
  });
});
