import { type Context, Hono } from "hono";
import type { Claims, HttpEnv } from "../ports/http.ts";
import { answerError, Problem, unauthorized } from "./problem.ts";

/**
 * A Hono app whose failures are application/problem+json: port errors by their code, faults of the
 * body with the field's name, everything else as a 500 that says nothing of the inside.
 * @example
 * export const create = ({ catalog }: PortsOf<"users">) =>
 *   createApp().get("/users/:id", async (c) => c.json(await catalog.get(keyOf(c.req.param("id")))));
 */
export function createApp(): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.notFound((c) => new Problem("not-found").toResponse(c.env?.requestId));
  app.onError((error, c) => answerError(error, c.env?.requestId));
  return app;
}

/**
 * The claims of the request's token.
 * @throws {Problem} 401 where the route was reached without one
 */
export function claimsOf(c: Context<HttpEnv>): Claims {
  if (!c.env.claims) throw unauthorized("A valid access token is needed.");
  return c.env.claims;
}
