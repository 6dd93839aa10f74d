import { cache, prepareCaches } from "../../../runtime/adapters/local/cache.ts";
import { startSqlServer } from "../sql-server.ts";
import { roomsContract } from "../suites/rooms.ts";

roomsContract("rooms on the local cache", {
  async start() {
    const server = await startSqlServer();
    await prepareCaches(server);
    return { ...server, open: () => cache({ name: "live", url: server.url }) };
  },
});
