/** What is sold. */
export interface Product {
  /** In the smallest unit of the shop's currency. */
  readonly price: number;
  /** Units in the warehouse. Absent: made to order, never out of stock. */
  readonly stock?: number;
}

/** ISO 4217 */
export const currency = "EUR";

/** By stock keeping unit. */
const products: Readonly<Record<string, Product>> = {
  "print-a4": { price: 1_200 },
  "print-a2": { price: 2_900 },
  "frame-oak": { price: 4_500, stock: 500 },
  "camera-strap": { price: 3_450, stock: 40 },
  "first-edition": { price: 24_900, stock: 1 },
};

export const productOf = (sku: string): Product | undefined =>
  Object.hasOwn(products, sku) ? products[sku] : undefined;

/** Of everything that is sold. */
export const skus: readonly string[] = Object.keys(products);
