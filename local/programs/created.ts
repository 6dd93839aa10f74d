/** What a workload's `create` has to give, by what calls it. */
const wanted = {
  app: "returns nothing with fetch; return a Hono app",
  handler: "returns no function; return one that handles a message",
  sockets: "returns nothing; return what handles sockets",
} as const;

const fits = {
  app: (made: unknown) => typeof (made as { fetch?: unknown } | undefined)?.fetch === "function",
  handler: (made: unknown) => typeof made === "function",
  sockets: (made: unknown) => typeof made === "object" && made !== null,
} as const;

/**
 * What a workload's `create` gives with its ports.
 * @throws {Error} where it is no function, or gives something else; and whatever it throws
 */
export async function created<T>(
  create: unknown,
  ports: object,
  what: keyof typeof wanted,
): Promise<T> {
  if (typeof create !== "function") throw new Error("exports no function create");
  const made: unknown = await create(ports);
  if (!fits[what](made)) throw new Error(`create ${wanted[what]}`);
  return made as T;
}
