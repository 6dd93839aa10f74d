/**
 * What a workload's `create` gives with its ports.
 * @throws {Error} where it is no function, or gives nothing to call; and whatever it throws
 */
export async function created<T>(create: unknown, ports: object): Promise<T> {
  if (typeof create !== "function") throw new Error("exports no function create");
  const made: unknown = await create(ports);
  const isHandler = typeof made === "function";
  const isApp = typeof (made as { fetch?: unknown } | undefined)?.fetch === "function";
  if (!isHandler && !isApp)
    throw new Error("create returns nothing to call; return a Hono app, or a function");
  return made as T;
}
