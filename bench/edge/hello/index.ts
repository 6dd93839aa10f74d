import { createApp } from "../../../runtime/http/app.ts";

/** The app that is measured on a public route. */
export const create = () =>
  createApp().get("/hello/:name", (c) => c.json({ hello: c.req.param("name") }));
