// A container's process for the tests: prints its port, and echoes.
import { ecsSocket } from "../../../runtime/entries/ecs/socket.ts";

const { port } = await ecsSocket(
  { message: (peer, message) => void peer.send({ echo: message }) },
  { path: "/live", auth: "none", port: 0, host: "127.0.0.1", drainSeconds: 5 },
);
console.log(`port ${port}`);
