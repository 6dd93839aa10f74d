// A container's process for the tests: prints its port, answers /slow after SLOW_MS.
import { setTimeout } from "node:timers/promises";
import { ecsHttp } from "../../../runtime/entries/ecs/http.ts";

const { port } = await ecsHttp(
  {
    fetch: async (request) => {
      if (request.url.endsWith("/slow")) {
        console.log("slow");
        await setTimeout(Number(process.env.SLOW_MS));
      }
      return new Response(`answered ${await request.text()}`);
    },
  },
  {
    auth: "none",
    port: 0,
    host: "127.0.0.1",
    maxBodyBytes: 1000,
    drainSeconds: Number(process.env.DRAIN_SECONDS ?? 10),
  },
);
console.log(`port ${port}`);
