import { Pool, type PoolConfig } from "pg";

/**
 * Opens a pool whose connections may break at any moment without ending the process: what runs on
 * one then fails by itself, an idle one is replaced. Nothing is connected before it is used.
 *
 * Each connection is listened to from its first moment on. The pool itself stops listening as it
 * hands one out, and who awaits it comes a moment later: a server's farewell can lie between.
 */
export function openPool(config: PoolConfig): Pool {
  const pool = new Pool(config);
  pool.on("error", ignored);
  pool.on("connect", (client) => client.on("error", ignored));
  return pool;
}

const ignored = () => {};
