import { isPortError, PortError } from "../../runtime/ports/index.ts";
import { productOf } from "../catalogue.ts";
import type { PortsOf } from "../ports.ts";
import { heldOf, type Stock, stockIn, stockKey } from "../stock.ts";
import { outcomeOf } from "./outcome.ts";

type Catalog = PortsOf<"checkout">["catalog"];

export interface Line {
  readonly sku: string;
  readonly quantity: number;
}

/** Rounds before the workflow's own retry takes over; each round that fails is another's success. */
const mostRounds = 100;

/**
 * Holds units for a checkout, once however often it is called.
 * @throws `conflict` where there are not enough, or the checkout was given up
 */
export const hold = (catalog: Catalog, id: string, { sku, quantity }: Line): Promise<void> =>
  change(catalog, sku, async (stock, units) => {
    if (Object.hasOwn(stock.holds, id)) return undefined;
    // Asked between reading and writing the stock: whoever decides an outcome writes the stock
    // afterwards, so that a hold that comes too late meets another turn, and asks again.
    const outcome = await outcomeOf(catalog, id);
    if (outcome === "confirmed") return undefined;
    if (outcome)
      throw new PortError("conflict", `checkout "${id}": it was given up; start another`);
    if (stock.sold + heldOf(stock) + quantity > units)
      throw new PortError("conflict", `checkout "${id}": ${sku} is sold out; choose another`);
    return { ...stock, holds: { ...stock.holds, [id]: quantity } };
  });

/**
 * Lets go of what a checkout holds. Writes where it holds nothing too: that refuses a hold that is
 * on its way. To be called when it is decided that the checkout is compensated.
 */
export const letGo = (catalog: Catalog, id: string, { sku }: Line): Promise<void> =>
  change(catalog, sku, async (stock) => {
    const { [id]: _, ...holds } = stock.holds;
    return { ...stock, holds };
  });

/** Turns what a checkout holds into what is sold. To be called when it is decided so. */
export const sell = (catalog: Catalog, id: string, { sku }: Line): Promise<void> =>
  change(catalog, sku, async (stock) => {
    const { [id]: held, ...holds } = stock.holds;
    return held === undefined ? undefined : { ...stock, sold: stock.sold + held, holds };
  });

async function change(
  catalog: Catalog,
  sku: string,
  next: (stock: Stock, units: number) => Promise<Stock | undefined>,
): Promise<void> {
  const units = productOf(sku)?.stock;
  if (units === undefined) return;
  const key = stockKey(sku);
  for (let round = 0; round < mostRounds; round += 1) {
    const stock = stockIn(await catalog.get(key));
    const wanted = await next(stock, units);
    if (!wanted) return;
    const document = { ...wanted, turn: String(stock.turn + 1).padStart(16, "0") };
    try {
      return await catalog.put(key, document, { ifNewer: "turn" });
    } catch (error) {
      if (!isPortError(error, "conflict")) throw error;
    }
  }
  throw new PortError("throttled", `stock "${sku}": it changes all the time; try again`);
}
