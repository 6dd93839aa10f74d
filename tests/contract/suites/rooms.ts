import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { ordersOf, tell } from "../../../functions/rooms.ts";
import type { CacheAdapter } from "../../../runtime/adapters/cache.ts";
import type { Json, JsonObject } from "../../../runtime/ports/index.ts";
import { connectTo } from "../../entries/ecs/sockets.ts";
import { sleep } from "./refusal.ts";

/** A server with a cache, that a test may stop. */
export interface RoomsService {
  readonly url: string;
  open(): CacheAdapter;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Rooms over real sockets, tasks in processes of their own, and a real cache. */
export function roomsContract(
  title: string,
  { start }: { readonly start: () => Promise<RoomsService> },
): void {
  describe(title, () => {
    let service: RoomsService;
    beforeAll(async () => {
      service = await start();
    });
    afterAll(() => service?.close());

    async function task() {
      const program = fileURLToPath(new URL("rooms-task.ts", import.meta.url));
      const child = spawn(process.execPath, [program], {
        env: { ...process.env, CACHE: service.url },
        stdio: ["ignore", "pipe", "ignore"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      const port = Number(String((await lines.next()).value).split(" ")[1]);
      return { child, port, exited: once(child, "exit") };
    }

    /** A client that comes back with the position that it has, as one should. */
    async function enter(port: number, token: string, room: string, after?: string) {
      const client = connectTo(port, { token });
      await client.opened;
      const told = client.told as JsonObject[];
      const of = (type: string) => told.filter((one) => one.type === type);
      client.send({ type: "join", room, ...(after && { after }) });
      await expect.poll(() => of("joined").length, { timeout: 10_000 }).toBe(1);
      return {
        ...client,
        of,
        joined: of("joined")[0] as JsonObject,
        say: (id: string) => client.send({ type: "say", room, id, text: id }),
        heard: (): Json[] =>
          of("message").map(({ message }) => {
            const { text, id } = message as JsonObject;
            return (text ?? id) as Json;
          }),
        position: () =>
          told.findLast(({ position, type }) => position !== undefined && type !== "said")
            ?.position as string,
      };
    }

    it("say on one task what is heard on all, in one order", async () => {
      const tasks = await Promise.all([task(), task()]);
      const clients = await Promise.all(
        ["ann", "bea", "cat", "dan"].map((user, n) =>
          enter(tasks[n % 2]?.port ?? 0, user, "lobby"),
        ),
      );
      for (const [n, client] of clients.entries())
        for (const id of ["a", "b", "c", "d", "e"]) client.say(`${n}${id}`);
      for (const { heard } of clients)
        await expect.poll(() => heard().length, { timeout: 10_000 }).toBe(20);
      for (const { heard } of clients) expect(heard()).toEqual(clients[0]?.heard());
      clients[0]?.send({ type: "here", room: "lobby", ref: "r" });
      await expect
        .poll(() => clients[0]?.of("here").at(-1), { timeout: 10_000 })
        .toMatchObject({ count: 4 });
    });

    it("lose nothing where a task is killed amid it, whose clients come back to another", async () => {
      const [doomed, other] = await Promise.all([task(), task()]);
      const live = service.open();
      onTestFinished(() => live.close());
      const ann = await enter(doomed.port, "ann", "orders");
      const ids = Array.from({ length: 120 }, (_, n) => `or_${n}`);
      const telling = (async () => {
        for (const id of ids) await tell(live, ordersOf("ann"), { id, type: "order.fulfilled" });
      })();
      await expect.poll(() => ann.heard().length, { timeout: 10_000 }).toBeGreaterThan(10);
      doomed.child.kill("SIGKILL");
      expect((await ann.closed)[0]).toBe(1006);
      const back = await enter(other.port, "ann", "orders", ann.position());
      expect(back.joined.lost).toBe(false);
      await telling;
      await expect.poll(() => [...ann.heard(), ...back.heard()], { timeout: 10_000 }).toEqual(ids);
    });

    it("lose nothing where a task stops, which sends its clients elsewhere", async () => {
      const [leaving, other] = await Promise.all([task(), task()]);
      const [ann, bea] = [
        await enter(leaving.port, "ann", "hall"),
        await enter(other.port, "bea", "hall"),
      ];
      bea.say("before");
      await expect.poll(() => ann.heard(), { timeout: 10_000 }).toEqual(["before"]);
      leaving.child.kill("SIGTERM");
      expect((await ann.closed)[0]).toBe(1001);
      bea.say("meanwhile");
      const back = await enter(other.port, "ann", "hall", ann.position());
      bea.say("after");
      await expect.poll(() => back.heard(), { timeout: 10_000 }).toEqual(["meanwhile", "after"]);
      expect(await leaving.exited).toEqual([0, null]);
    });

    it("send a client that reads too slowly away, which then misses nothing", async () => {
      const { port } = await task();
      const live = service.open();
      onTestFinished(() => live.close());
      const room = "room:slow";
      const [slow, quick] = [await enter(port, "ann", "slow"), await enter(port, "bea", "slow")];
      slow.socket.pause();
      const ids: string[] = [];
      // Until the kernel and what may wait for it are full.
      while (slow.socket.readyState === slow.socket.OPEN && ids.length < 1_000) {
        const id = `${ids.length}`;
        ids.push(id);
        await tell(live, room, { id, text: `${id} ${"x".repeat(60_000)}` });
        await expect.poll(() => quick.heard().length, { timeout: 10_000 }).toBe(ids.length);
        // Its own end shows once what was sent is read.
        if (ids.length === 150) slow.socket.resume();
      }
      const [code] = await slow.closed;
      expect([1006, 1013]).toContain(code);
      expect(slow.heard().length).toBeLessThan(ids.length);
      const back = await enter(port, "ann", "slow", slow.position());
      expect(back.joined.lost).toBe(false);
      await expect
        .poll(() => slow.heard().length + back.heard().length, { timeout: 10_000 })
        .toBe(ids.length);
    });

    it("go on by themselves after the cache was away", async () => {
      const { port } = await task();
      const ann = await enter(port, "ann", "outage");
      ann.say("before");
      await expect.poll(() => ann.heard(), { timeout: 10_000 }).toEqual(["before"]);
      await service.stop();
      ann.say("during");
      await expect
        .poll(() => ann.of("error"), { timeout: 10_000 })
        .toMatchObject([{ code: "unavailable" }]);
      await service.start();
      const again = async () => {
        ann.say("again");
        await sleep(300);
        return ann.heard();
      };
      await expect.poll(again, { timeout: 20_000 }).toContain("again");
    });
  });
}
