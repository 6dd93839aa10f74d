import type { JsonObject, Key, Table } from "../runtime/ports/index.ts";
import { productOf } from "./catalogue.ts";

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

export const stockKey = (sku: string): Key => ({ pk: `STOCK#${sku}`, sk: "UNITS" });

/** A stock as it stands in its document; without one nothing has happened to it yet. */
export function stockIn(document: JsonObject | undefined): Stock {
  const { turn = 0, sold = 0, holds = {} } = document ?? {};
  return { turn: Number(turn), sold: Number(sold), holds: holds as Stock["holds"] };
}

export const heldOf = ({ holds }: Stock): number =>
  Object.values(holds).reduce((sum, count) => sum + count, 0);

/** Units that can be ordered now; `null` for what is made to order. */
export async function unitsLeft(catalog: Pick<Table, "get">, sku: string): Promise<number | null> {
  const units = productOf(sku)?.stock;
  if (units === undefined) return null;
  const stock = stockIn(await catalog.get(stockKey(sku)));
  return Math.max(0, units - stock.sold - heldOf(stock));
}
