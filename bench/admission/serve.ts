/** A container's server of its own process: `serve.ts with` admission control, or `serve.ts without`. */
import { ecsHttp } from "../../runtime/entries/ecs/http.ts";
import { createApp } from "../../runtime/http/app.ts";

const app = createApp()
  .get("/hello/:name", async (c) => c.json({ hello: c.req.param("name") }))
  .post("/hello", async (c) => c.json(await c.req.json()));

const { port } = await ecsHttp(app, {
  auth: "none",
  port: 0,
  host: "127.0.0.1",
  routes: ["GET /hello/{name}", "POST /hello"],
  ...(process.argv[2] === "without" && { admission: false }),
});
console.log(`ready http://127.0.0.1:${port}`);
