import { describe, expect, onTestFinished, test, vi } from "vitest";
import { create } from "../../functions/presence/index.ts";
import { ordersOf, tell } from "../../functions/rooms.ts";
import type { Json, JsonObject, Peer } from "../../runtime/ports/index.ts";
import { memoryCache } from "./cache-fake.ts";

type Cache = ReturnType<typeof memoryCache>;

/** A task with sockets, on a cache that others may share. */
function task(live: Cache, roundMs = 60_000) {
  const handler = create({ live }, { roundMs });
  onTestFinished(async () => void (await handler.stop?.()));
  /** A client as its host would have it, with all that it was told. */
  const enter = (user: string) => {
    const told: JsonObject[] = [];
    const state = { open: true, reads: true };
    const peer: Peer = {
      id: `${Math.random()}`,
      claims: { sub: user },
      buffered: 0,
      send: (message) => {
        if (state.open) told.push(structuredClone(message) as JsonObject);
        return state.open;
      },
      drained: async () => state.open && state.reads,
      close: () => {
        state.open = false;
      },
    };
    return {
      told,
      peer,
      state,
      send: async (message: Json) => handler.message(peer, message),
      join: async (room: string, after?: string) => {
        await handler.message(peer, { type: "join", room, ...(after && { after }) });
        return told.findLast(({ type }) => type === "joined") as JsonObject & { position: string };
      },
      say: async (room: string, text: string, id = text.replace(/\W/g, "-")) =>
        handler.message(peer, { type: "say", room, id, text }),
      leave: async () => {
        state.open = false;
        await handler.close?.(peer);
      },
      /** The texts and types of the messages that it was told. */
      heard: () =>
        told
          .filter(({ type }) => type === "message")
          .map(({ message }) => {
            const { text, type } = message as JsonObject;
            return text ?? type;
          }),
      codes: () => told.filter(({ type }) => type === "error").map(({ code }) => code),
      position: () => told.findLast(({ position }) => position !== undefined)?.position as string,
    };
  };
  return { enter, handler };
}

describe("a room", () => {
  test("hears what is said in it, on all tasks, in one order", async () => {
    const live = memoryCache();
    const [one, other] = [task(live), task(live)];
    const [ann, bea, cat] = [one.enter("ann"), one.enter("bea"), other.enter("cat")];
    for (const client of [ann, bea, cat]) await client.join("lobby");
    await Promise.all([ann.say("lobby", "1"), cat.say("lobby", "2"), bea.say("lobby", "3")]);
    for (const client of [ann, bea, cat])
      await expect.poll(() => client.heard()).toEqual(["1", "2", "3"]);
    expect(ann.told.filter(({ type }) => type === "said")).toMatchObject([{ id: "1" }]);
  });

  test("is heard by nobody outside, and by nobody who has left", async () => {
    const { enter } = task(memoryCache());
    const [ann, bea, cat] = [enter("ann"), enter("bea"), enter("cat")];
    await ann.join("lobby");
    await bea.join("lobby");
    await cat.join("other");
    await bea.send({ type: "leave", room: "lobby" });
    await ann.say("lobby", "hello");
    await expect.poll(() => ann.heard()).toEqual(["hello"]);
    expect([bea.heard(), cat.heard()]).toEqual([[], []]);
    await bea.say("lobby", "from outside");
    expect(bea.codes()).toEqual(["not-found"]);
  });

  test("tells each message once, however often it was told", async () => {
    const live = memoryCache();
    const { enter } = task(live);
    const ann = enter("ann");
    const { position } = await ann.join("lobby");
    for (const _ of [1, 2, 3]) await ann.say("lobby", "again", "id-1");
    await ann.say("lobby", "then");
    await expect.poll(() => ann.heard()).toEqual(["again", "then"]);
    const late = enter("bea");
    await late.join("lobby", position);
    expect(late.heard()).toEqual(["again", "then"]);
  });

  test("subscribes once for all its members here, and not without any", async () => {
    const live = memoryCache();
    const { enter } = task(live);
    const clients = Array.from({ length: 5 }, (_, n) => enter(`user-${n}`));
    for (const client of clients) await client.join("lobby");
    expect(live.channels()).toEqual(["room:lobby"]);
    for (const client of clients) await client.leave();
    await expect.poll(live.channels).toEqual([]);
  });

  test("finds what nobody rang for", async () => {
    const live = memoryCache();
    const { enter } = task(live, 50);
    const ann = enter("ann");
    await ann.join("lobby");
    live.state.deaf = true;
    await tell(live, "room:lobby", { id: "1", text: "unheard" });
    await expect.poll(() => ann.heard()).toEqual(["unheard"]);
  });
});

describe("who comes back", () => {
  test("to any task is told what was missed, once and in order, and then what follows", async () => {
    const live = memoryCache();
    const [one, other] = [task(live), task(live)];
    const [ann, bea] = [one.enter("ann"), one.enter("bea")];
    await ann.join("lobby");
    await bea.join("lobby");
    await bea.say("lobby", "first");
    await expect.poll(() => ann.heard()).toEqual(["first"]);
    await ann.leave();
    for (let n = 0; n < 30; n++) await bea.say("lobby", `missed ${n}`);
    const back = other.enter("ann");
    const joining = back.join("lobby", ann.position());
    await bea.say("lobby", "meanwhile");
    expect(await joining).toMatchObject({ lost: false, position: ann.position() });
    await bea.say("lobby", "after");
    await expect
      .poll(() => back.heard())
      .toEqual([...Array.from({ length: 30 }, (_, n) => `missed ${n}`), "meanwhile", "after"]);
  });

  test("while others speak misses nothing and hears nothing twice", async () => {
    const live = memoryCache();
    const [one, other] = [task(live), task(live)];
    const ann = one.enter("ann");
    const { position } = await ann.join("lobby");
    const all = Array.from({ length: 150 }, (_, n) => `${n}`);
    const speaking = (async () => {
      for (const id of all) {
        await tell(live, "room:lobby", { id, text: id });
        await new Promise(setImmediate);
      }
    })();
    const clients = [];
    for (let n = 0; n < 10; n++) {
      const client = other.enter(`user-${n}`);
      clients.push(client);
      await client.join("lobby", position);
      await new Promise(setImmediate);
    }
    await speaking;
    for (const client of [ann, ...clients]) await expect.poll(() => client.heard()).toEqual(all);
  });

  test("too late is told that something is lost, and what is left", async () => {
    const live = memoryCache();
    const { enter } = task(live);
    const ann = enter("ann");
    const { position } = await ann.join("lobby");
    for (let n = 0; n < 250; n++) await tell(live, "room:lobby", { id: `${n}`, text: `${n}` });
    const back = enter("bea");
    expect(await back.join("lobby", position)).toMatchObject({ lost: true });
    expect(back.heard()).toEqual(Array.from({ length: 200 }, (_, n) => `${n + 50}`));
  });

  test("after the cache lost everything is told so, and so is who stayed", async () => {
    const live = memoryCache();
    const { enter } = task(live);
    const ann = enter("ann");
    await ann.join("lobby");
    await ann.say("lobby", "before");
    await expect.poll(() => ann.heard()).toEqual(["before"]);
    live.forget();
    const back = enter("bea");
    expect(await back.join("lobby", ann.position())).toMatchObject({ lost: true });
    await back.say("lobby", "after");
    await expect.poll(() => back.heard()).toEqual(["after"]);
    await expect.poll(() => ann.heard()).toEqual(["before", "after"]);
    expect(ann.told.filter(({ type }) => type === "lost")).toHaveLength(1);
  });

  test("and reads slowly is waited for, page by page", async () => {
    const live = memoryCache();
    const { enter } = task(live);
    const ann = enter("ann");
    const { position } = await ann.join("lobby");
    for (let n = 0; n < 120; n++) await tell(live, "room:lobby", { id: `${n}`, text: `${n}` });
    const slow = enter("bea");
    slow.state.reads = false;
    await slow.join("lobby", position);
    expect(slow.heard()).toHaveLength(50);
  });
});

describe("the room of one's own orders", () => {
  test("is told what happens to them, also what was missed, and nobody else's", async () => {
    const live = memoryCache();
    const [one, other] = [task(live), task(live)];
    const [ann, bea] = [one.enter("ann"), one.enter("bea")];
    const { position } = await ann.join("orders");
    await bea.join("orders");
    await tell(live, ordersOf("ann"), { id: "or_1:fulfilled", type: "order.fulfilled" });
    await expect.poll(() => ann.heard()).toEqual(["order.fulfilled"]);
    const back = other.enter("ann");
    await back.join("orders", position);
    expect(back.heard()).toEqual(["order.fulfilled"]);
    expect(bea.heard()).toEqual([]);
  });

  test.each(["orders:ann", "orders%3Aann", "ORDERS", "room:x", "../orders", ""])(
    "has no other name, such as %j",
    async (room) => {
      const { enter } = task(memoryCache());
      await expect(enter("eve").send({ type: "join", room })).rejects.toMatchObject({
        code: "invalid",
        errors: [{ field: "room" }],
      });
    },
  );

  test("is spoken in by nobody, and shows nobody", async () => {
    const { enter } = task(memoryCache());
    const ann = enter("ann");
    await ann.join("orders");
    await ann.say("orders", "fulfilled!");
    expect(ann.codes()).toEqual(["denied"]);
    expect(ann.heard()).toEqual([]);
  });

  test("is for who is signed in", async () => {
    const { handler, enter } = task(memoryCache());
    const { peer, told } = enter("nobody");
    await handler.message({ ...peer, claims: undefined } as unknown as Peer, {
      type: "join",
      room: "orders",
    });
    expect(told).toMatchObject([{ type: "error", code: "denied" }]);
  });
});

describe("who is there", () => {
  test("is known on all tasks, each user once, by a name that is no account's id", async () => {
    const live = memoryCache();
    const [one, other] = [task(live), task(live)];
    const ann = one.enter("ann");
    const clients = [ann, one.enter("bea"), other.enter("cat"), other.enter("ann")];
    for (const client of clients) await client.join("lobby");
    const here = async () => {
      await ann.send({ type: "here", room: "lobby", ref: "r-1" });
      return ann.told.findLast(({ ref }) => ref === "r-1");
    };
    await expect.poll(here).toMatchObject({ type: "here", count: 3 });
    expect((await here())?.users).toHaveLength(3);
    expect(JSON.stringify(await here())).not.toMatch(/ann|bea|cat/);
    await clients[2]?.leave();
    await expect.poll(here).toMatchObject({ count: 2 });
    // Told, too, without being asked.
    await expect
      .poll(() => ann.told.filter(({ type, ref }) => type === "here" && !ref).at(-1))
      .toMatchObject({ count: 2 });
  });

  test("on a task that was killed is forgotten after some rounds", async () => {
    const live = memoryCache();
    const [one, killed] = [task(live, 50), task(live)];
    const [ann, bea] = [one.enter("ann"), killed.enter("bea")];
    await bea.join("lobby");
    await ann.join("lobby");
    const count = async () => {
      await ann.send({ type: "here", room: "lobby", ref: "r" });
      return ann.told.findLast(({ ref }) => ref === "r")?.count;
    };
    await expect.poll(count).toBe(2);
    await expect.poll(count).toBe(1);
  });

  test("is listed up to a hundred, and counted beyond", async () => {
    const live = memoryCache();
    const [one, other] = [task(live), task(live)];
    for (let n = 0; n < 70; n++) await one.enter(`one-${n}`).join("lobby");
    for (let n = 0; n < 70; n++) await other.enter(`other-${n}`).join("lobby");
    const ann = one.enter("one-0");
    await ann.join("lobby");
    const here = async () => {
      await ann.send({ type: "here", room: "lobby", ref: "r" });
      return ann.told.findLast(({ ref }) => ref === "r") as JsonObject & { users: string[] };
    };
    await expect.poll(async () => (await here()).count).toBe(140);
    expect((await here()).users.length).toBe(100);
  });
});

describe("a client that means harm", () => {
  test.each<[string, Json, string]>([
    ["what is no request", "x", "(message)"],
    ["nothing", null, "(message)"],
    ["an unknown type", { type: "__proto__" }, "type"],
    ["no room", { type: "join" }, "room"],
    ["a room that is none", { type: "join", room: "x".repeat(41) }, "room"],
    ["a position that is none", { type: "join", room: "a", after: "1" }, "after"],
    ["a long text", { type: "say", room: "a", id: "1", text: "x".repeat(1001) }, "text"],
    ["a field too many", { type: "here", room: "a", user: "ann" }, "(message)"],
  ])("sends %s, and is told what does not fit", async (_, message, field) => {
    const { enter } = task(memoryCache());
    await expect(enter("eve").send(message)).rejects.toMatchObject({
      code: "invalid",
      errors: [{ field }],
    });
  });

  test("is in ten rooms at the most, and in each once", async () => {
    const live = memoryCache();
    const { enter } = task(live);
    const eve = enter("eve");
    for (let n = 0; n < 15; n++) await eve.join(`room-${n}`);
    await eve.join("room-0");
    expect(eve.codes()).toEqual([...Array(5).fill("throttled"), "conflict"]);
    expect(live.channels()).toHaveLength(10);
  });

  test("speaks sixty times a minute and enters so many rooms, on all tasks together", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 60_000 * 30_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    const live = memoryCache();
    const sockets = [task(live), task(live)].map(({ enter }) => enter("eve"));
    for (const eve of sockets) await eve.join("lobby");
    for (let n = 0; n < 80; n++) await sockets[n % 2]?.say("lobby", `${n}`);
    expect(sockets.flatMap((eve) => eve.codes())).toEqual(Array(20).fill("throttled"));
    for (let n = 0; n < 200; n++) {
      await sockets[0]?.join(`room-${n}`);
      await sockets[0]?.send({ type: "leave", room: `room-${n}` });
    }
    expect(live.logs().length).toBeLessThanOrEqual(120);
  });
});

describe("a cache that is away", () => {
  test("is told to who asks for a room, and who asks again has it", async () => {
    const live = memoryCache();
    const { enter } = task(live);
    const ann = enter("ann");
    live.state.fails = "unavailable";
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    await ann.join("lobby");
    expect(ann.codes()).toEqual(["unavailable"]);
    delete live.state.fails;
    await ann.join("lobby");
    await ann.say("lobby", "there");
    await expect.poll(() => ann.heard()).toEqual(["there"]);
  });

  test("has what was said before for those who stayed, once it is back", async () => {
    const live = memoryCache();
    const { enter } = task(live, 50);
    const ann = enter("ann");
    await ann.join("lobby");
    live.state.deaf = true;
    await tell(live, "room:lobby", { id: "1", text: "said" });
    live.state.fails = "unavailable";
    await new Promise((resolve) => setTimeout(resolve, 150));
    delete live.state.fails;
    await expect.poll(() => ann.heard(), { timeout: 5_000 }).toEqual(["said"]);
  });
});
