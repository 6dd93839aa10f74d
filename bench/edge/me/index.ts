import { createApp } from "../../../runtime/http/app.ts";

/** The app that is measured on a protected route. */
export const create = () =>
  createApp().get("/me/:name", (c) => c.json({ hello: c.req.param("name") }));
