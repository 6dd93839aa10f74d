import { valkeyAt } from "../../../runtime/adapters/valkey.ts";
import { startValkey } from "../../../tools/valkey.ts";
import { roomsContract } from "../suites/rooms.ts";

roomsContract("rooms on a cache by the Redis protocol", {
  async start() {
    const server = await startValkey();
    const url = `redis://127.0.0.1:${server.port}`;
    return {
      url,
      open: () => valkeyAt({ name: "live", url }),
      stop: server.stop,
      start: server.start,
      close: server.stop,
    };
  },
});
