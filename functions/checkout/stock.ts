import { isPortError, PortError } from "../../runtime/ports/index.ts";
import { productOf } from "../catalogue.ts";
import type { PortsOf } from "../ports.ts";
import { outcomeOf } from "./outcome.ts";

type Catalog = PortsOf<"checkout">["catalog"];

/**
 * What became of a product's units: so many sold, and so many held for checkouts that run. One
 * document a product, replaced only where it is still the one that was read: its turn is one higher
 * each time, and a lower or equal one is refused (`ifNewer`). So two checkouts never take one unit.
 */
export interface Stock {
  readonly turn: number;
  readonly sold: number;
  readonly holds: Readonly<Record<string, number>>;
}
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
    const held = Object.values(stock.holds).reduce((sum, count) => sum + count, 0);
    if (stock.sold + held + quantity > units)
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
  const key = { pk: `STOCK#${sku}`, sk: "UNITS" };
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

function stockIn(document: Awaited<ReturnType<Catalog["get"]>>): Stock {
  const { turn = 0, sold = 0, holds = {} } = document ?? {};
  return { turn: Number(turn), sold: Number(sold), holds: holds as Stock["holds"] };
}
