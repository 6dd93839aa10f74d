import type { Pool } from "pg";
import { api } from "../../runtime/adapters/local/api.ts";
import { table } from "../../runtime/adapters/local/table.ts";
import type { Api, HttpHandler } from "../../runtime/ports/index.ts";

/** The provider behind its URL, else its stand-in, with a table of its own. */
export async function openApi(options: {
  readonly name: string;
  readonly url?: string;
  readonly token?: () => Promise<string>;
  /** Loads the stand-in's `create`. */
  readonly sandbox?: () => Promise<(ports: object) => HttpHandler | Promise<HttpHandler>>;
  readonly pool?: Pool;
}): Promise<Api> {
  const { name, url, token, sandbox, pool } = options;
  if (url || !sandbox || !pool) return api({ name, url, token });
  const create = await sandbox();
  const app = await create({ table: table({ name: `sandbox ${name}`, pool }) });
  const context = { requestId: "sandbox" };
  return api({ name, token, sandbox: { fetch: async (request) => app.fetch(request, context) } });
}
