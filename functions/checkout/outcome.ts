import { isPortError, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

/** How a checkout ends; there is no third way, and no way back. */
export type Outcome = "confirmed" | "compensated";
type Catalog = PortsOf<"checkout">["catalog"];

const keyOf = (id: string) => ({ pk: `CHECKOUT#${id}`, sk: "OUTCOME" });

/** How it ended, if it has. */
export async function outcomeOf(catalog: Catalog, id: string): Promise<Outcome | undefined> {
  const status = (await catalog.get(keyOf(id)))?.status;
  return status === "confirmed" || status === "compensated" ? status : undefined;
}

/**
 * Decides how it ends. The first to decide does so for all: a confirmation that comes after a
 * compensation has begun is refused by this, and the other way round.
 * @returns how it ends: `wanted`, or what was decided before
 */
export async function decide(catalog: Catalog, id: string, wanted: Outcome): Promise<Outcome> {
  const document = { status: wanted, at: new Date().toISOString() };
  try {
    await catalog.put(keyOf(id), document, { ifAbsent: true });
    return wanted;
  } catch (error) {
    if (!isPortError(error, "conflict")) throw error;
    const decided = await outcomeOf(catalog, id);
    if (decided) return decided;
    throw new PortError("unavailable", `checkout "${id}": its outcome was removed; try again`);
  }
}
