import type { Pool } from "pg";
import type { Boss } from "../../runtime/adapters/local/boss.ts";
import type { IdentityHooks } from "../../runtime/ports/index.ts";
import type { System } from "../../spec/index.ts";

/** What the adapters of a system are made from. */
export interface AdapterOptions {
  readonly system: System;
  /** The project's folder, where the stand-ins of APIs are found. */
  readonly root: string;
  readonly pool: Pool;
  /** Of that pool's database, with the password: not for logs. */
  readonly databaseUrl: string;
  readonly boss: Boss;
  /** The data folder. */
  readonly folder: string;
  /** Of the gateway, which is the issuer of the tokens too. */
  readonly url: string;
  /** Read at each sign-up and sign-in: filled as the workloads are loaded. */
  readonly hooks: IdentityHooks;
}
