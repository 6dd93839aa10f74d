// A task of the presence workload for the tests, as a process: the cache's place as JSON in CACHE.
import { create } from "../../../functions/presence/index.ts";
import { cache } from "../../../runtime/adapters/local/cache.ts";
import { valkeyAt } from "../../../runtime/adapters/valkey.ts";
import { ecsSocket } from "../../../runtime/entries/ecs/socket.ts";
import { verify } from "../../entries/ecs/sockets.ts";

const url = process.env.CACHE ?? "";
const live = url.startsWith("redis:")
  ? valkeyAt({ name: "live", url })
  : cache({ name: "live", url });
const { port } = await ecsSocket(create({ live }, { roundMs: 1_000 }), {
  path: "/live",
  verify,
  port: 0,
  host: "127.0.0.1",
  drainSeconds: 2,
});
console.log(`port ${port}`);
