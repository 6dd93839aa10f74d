import { type Random, randomOf } from "./random.ts";

export type Ending = "confirmed" | "compensated";

/** An order that is going to be sent. */
export interface Order {
  /** Its Idempotency-Key. */
  readonly key: string;
  /** Which of the users sends it. */
  readonly user: number;
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
  /** Token of the payment provider. */
  readonly source: string;
  /** How it ends where no kill is in the way; both where that depends on who comes first. */
  readonly endings: readonly Ending[];
}

/** An image that is going to be uploaded. */
export interface Image {
  readonly name: string;
  readonly user: number;
  readonly content: "photo" | "cut short" | "no image";
  /** Red, green and blue. */
  readonly colour: readonly [number, number, number];
  /** As cameras write it in EXIF. */
  readonly orientation: number;
}

/** A payment that the provider tells of, as failed: what it says in chat. */
export interface Failure {
  readonly event: string;
  readonly orderId: string;
  readonly reason: string;
}

export interface Plan {
  readonly orders: readonly Order[];
  readonly images: readonly Image[];
  readonly failures: readonly Failure[];
  /** When to kill: shares of all that is sent, in their order. */
  readonly kills: readonly number[];
}

export interface Size {
  readonly orders: number;
  readonly images: number;
  readonly kills: number;
  readonly seed: number;
}

export const users = 4;

/** A source that the drill's own provider knows beside the sandbox's. */
export const unanswered = "tok_unanswered";

type Kind = Pick<Order, "items" | "source" | "endings">;
const one = (sku: string, quantity = 1) => [{ sku, quantity }];
const confirmed: readonly Ending[] = ["confirmed"];
const compensated: readonly Ending[] = ["compensated"];
const either: readonly Ending[] = ["confirmed", "compensated"];

/** Kinds of orders, and how many of a hundred are such. */
const kinds: readonly (readonly [number, (random: Random) => Kind])[] = [
  // Made to order: never sold out.
  [74, (r) => ({ items: prints(r), source: "tok_ok", endings: confirmed })],
  // Answered with 503 the first time.
  [4, (r) => ({ items: prints(r), source: "tok_flaky", endings: confirmed })],
  [1, (r) => ({ items: prints(r), source: "tok_slow", endings: confirmed })],
  [6, (r) => ({ items: prints(r), source: "tok_declined", endings: compensated })],
  // The money is taken and the answer always lost: it has to be given back.
  [4, (r) => ({ items: prints(r), source: unanswered, endings: compensated })],
  [2, () => ({ items: one("no-such-thing"), source: "tok_ok", endings: compensated })],
  // Of these there are few, so that some find none left.
  [6, (r) => ({ items: one("frame-oak", 1 + r.whole(3)), source: "tok_ok", endings: either })],
  [2, () => ({ items: one("camera-strap"), source: "tok_ok", endings: either })],
  [1, () => ({ items: one("first-edition"), source: "tok_declined", endings: compensated })],
];
const prints = (random: Random) =>
  random.whole(2) === 0
    ? one("print-a4", 1 + random.whole(5))
    : [...one("print-a4"), ...one("print-a2", 1 + random.whole(3))];

/** One failed payment to so many orders. */
const ordersPerFailure = 25;

/** What a drill sends, and when it kills: the same for the same seed. */
export function planOf({ orders, images, kills, seed }: Size): Plan {
  const random = randomOf(seed);
  return {
    orders: Array.from({ length: orders }, (_, n) => ({
      key: `order-${seed}-${n}`,
      user: random.whole(users),
      ...kindOf(random),
    })),
    images: Array.from({ length: images }, (_, n) => imageOf(n, random)),
    failures: Array.from({ length: Math.ceil(orders / ordersPerFailure) }, (_, n) => ({
      event: `evt_${seed}_${n}`,
      orderId: `unpaid-${seed}-${n}`,
      reason: "insufficient_funds",
    })),
    // Not before anything was sent, and not when nearly all is done.
    kills: Array.from({ length: kills }, () => 0.02 + random.next() * 0.85).sort((a, b) => a - b),
  };
}

const hundred = kinds.flatMap(([share, make]) => Array.from({ length: share }, () => make));

function kindOf(random: Random): Kind {
  const make = hundred[random.whole(hundred.length)];
  if (!make) throw new Error("drill: there are no kinds of orders");
  return make(random);
}

function imageOf(n: number, random: Random): Image {
  // Of any ten one of each, so that a small drill has them too.
  const content = n % 10 === 4 ? "cut short" : n % 10 === 9 ? "no image" : "photo";
  const ending = content === "no image" ? "txt.jpg" : "jpg";
  return {
    name: `photo ${n}.${ending}`,
    user: random.whole(users),
    content,
    colour: [random.whole(256), random.whole(256), random.whole(256)],
    orientation: random.whole(4) === 0 ? 6 : 1,
  };
}
