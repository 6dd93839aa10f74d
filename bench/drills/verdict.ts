import { messageIdOf } from "../../runtime/adapters/smtp.ts";
import { type Result, result, shown } from "../result.ts";
import type { Facts } from "./facts.ts";
import type { Failure, Image, Order } from "./plan.ts";

/** What was answered, so what has to be there. */
export interface Answered {
  readonly orders: readonly (Order & { readonly id: string })[];
  readonly images: readonly (Image & { readonly objectKey: string })[];
  readonly failures: readonly Failure[];
}

export interface Verdict {
  readonly results: readonly Result[];
  /** What is not as it should be, one line each. */
  readonly faults: readonly string[];
  /** What may be, and somebody may want to look at. */
  readonly notes?: readonly string[];
}

const sender = "shop@example.com";

/** What a run did to its host, which bounds what is forgiven. */
export interface Strain {
  readonly kills: number;
  /** Messages given up at their time limit, and tried again. */
  readonly late: number;
}

/** Messages of one workload that a kill can meet at work: as many as the host works on at a time. */
const atWork = 20;
/** Orders that kills may leave undone or stuck, and messages that they may use up, at most. */
const forgiven = { share: 0.05, least: 10 };
const someOf = (count: number): number =>
  Math.max(forgiven.least, Math.ceil(count * forgiven.share));

/**
 * Holds what was answered against what is there. Whatever is missing has to be in the dead letters
 * with a reason; whatever is there twice is a fault, but for second copies of mails and posts,
 * which no sender can rule out: these are counted, and bounded by what the kills can explain.
 */
export function verdictOf(answered: Answered, facts: Facts, strain: Strain): Verdict {
  const parts = [
    ordersVerdict(answered, facts),
    moneyVerdict(answered, facts),
    stockVerdict(answered, facts),
    imagesVerdict(answered, facts),
    mailsVerdict(answered, facts, strain),
    postsVerdict(answered, facts, strain),
    deadLettersVerdict(answered, facts),
  ];
  return {
    results: parts.flatMap(({ results }) => results),
    faults: parts.flatMap(({ faults }) => faults),
    notes: parts.flatMap(({ notes = [] }) => notes),
  };
}

/** None of these: each is a fault. */
const none = (name: string, faults: readonly string[]): Verdict => ({
  results: [result(name, faults.length, "count", "<=", 0)],
  faults: faults.map((fault) => `${name}: ${fault}`),
});
/** At most so many of these: beyond that, kills do not explain it. */
const atMost = (name: string, value: number, most: number): Verdict => ({
  results: [result(name, value, "count", "<=", most)],
  faults: value > most ? [`${name}: ${value}, where at most ${most} can be the kills'`] : [],
});
const count = (name: string, value: number): Verdict => ({
  results: [shown(name, value, "count")],
  faults: [],
});
const all = (...parts: readonly Verdict[]): Verdict => ({
  results: parts.flatMap(({ results }) => results),
  faults: parts.flatMap(({ faults }) => faults),
});

/** Whether a message with this text was set aside, with a reason. */
const isSetAside = ({ setAside }: Facts, queue: string, text: string): boolean =>
  setAside.some((one) => one.queue === queue && one.reason !== "" && one.body.includes(text));

const endingOf = (facts: Facts, id: string): string | undefined => facts.told.get(id)?.status;
const eventsOf = (id: string) =>
  ["order.placed", "order.paid", "order.fulfilled"].map((type) => `${type}:${id}`);

function ordersVerdict({ orders }: Answered, facts: Facts): Verdict {
  const ids = new Set(orders.map(({ id }) => id));
  const ended = (status: string) => orders.filter(({ id }) => endingOf(facts, id) === status);
  const isStuck = (id: string) => {
    const { status, reason = "" } = facts.executions.get(id) ?? {};
    return status === "stuck" && reason !== "";
  };
  const lost = orders.flatMap(({ id }) => {
    if (isStuck(id)) return [];
    const { status = "missing" } = facts.executions.get(id) ?? {};
    const ending = endingOf(facts, id);
    if (!ending) return [`${id} has no ending; its execution is ${status}`];
    if (ending === "compensated") return [];
    const missing = [
      facts.packed.has(id) || isSetAside(facts, "placed", id) ? "" : "not packed",
      ...eventsOf(id)
        // Who packs it publishes the last one.
        .filter((_, n) => n < 2 || facts.packed.has(id))
        .filter((event) => !facts.recorded.has(event))
        .filter((event) => !isSetAside(facts, "activity", event))
        .filter((event) => !(event.includes("fulfilled") && isSetAside(facts, "placed", id)))
        .map((event) => `${event} is not recorded`),
    ].filter((what) => what !== "");
    return missing.map((what) => `${id} is confirmed; ${what}`);
  });
  const twice = [
    ...[...facts.executions.keys()]
      .filter((id) => !ids.has(id))
      .map((id) => `execution ${id} is of no order that was answered`),
    ...ended("compensated")
      .filter(({ id }) => facts.packed.has(id) || eventsOf(id).some((e) => facts.recorded.has(e)))
      .map(({ id }) => `${id} is compensated and in effect too`),
    ...[...facts.recorded]
      .filter(([, times]) => times > 1)
      .map(([event, times]) => `${event} is recorded ${times} times`),
    ...[...facts.packed]
      .filter((id) => !ids.has(id))
      .map((id) => `${id} is packed; nobody ordered`),
  ];
  const otherwise = orders.filter(({ id, endings }) => {
    const ending = endingOf(facts, id);
    return ending !== undefined && !(endings as readonly string[]).includes(ending);
  });
  return all(
    count("orders: answered", orders.length),
    count("orders: confirmed", ended("confirmed").length),
    count("orders: compensated", ended("compensated").length),
    atMost(
      "orders: stuck, with a reason",
      orders.filter(({ id }) => isStuck(id)).length,
      someOf(orders.length),
    ),
    atMost("orders: compensated for the kills' sake", otherwise.length, someOf(orders.length)),
    none("orders: lost", lost),
    none("orders: doubled", twice),
  );
}

function moneyVerdict(
  { orders }: Answered,
  { told, charges, refunds, chargesAsked }: Facts,
): Verdict {
  const taken = new Map(
    charges.filter(({ status }) => status === "succeeded").map((one) => [one.key, one.amount]),
  );
  const given = refunds.filter(({ status }) => status === "succeeded");
  const back = new Map(given.map((one) => [one.charge_key, one.amount]));
  const isConfirmed = (id: string) => told.get(id)?.status === "confirmed";
  const wrong = orders.flatMap(({ id }) => {
    const kept = (taken.get(id) ?? 0) - (back.get(id) ?? 0);
    const owed = isConfirmed(id) ? (told.get(id)?.total ?? 0) : 0;
    return kept === owed ? [] : [`${id} owes ${owed} and paid ${kept}`];
  });
  const ids = new Set(orders.map(({ id }) => id));
  const strange = [...taken.keys()].filter((id) => !ids.has(id));
  const asked = [...chargesAsked.values()].reduce((sum, times) => sum + times, 0);
  return all(
    count("payments: charges taken", taken.size),
    count("payments: charges asked for again", asked - chargesAsked.size),
    count("payments: refunds given", given.length),
    count("payments: charges refused before they came", refunds.length - given.length),
    none("payments: orders that paid not what they owe", wrong),
    none("payments: charges of no order", strange),
    none("payments: refunds twice", repeated(refunds.map(({ charge_key }) => charge_key))),
    none("payments: charges twice", repeated(charges.map(({ key }) => key))),
  );
}

const repeated = (names: readonly string[]): string[] =>
  names.filter((name, n) => names.indexOf(name) < n);

function stockVerdict({ orders }: Answered, facts: Facts): Verdict {
  const soldOf = (sku: string) =>
    orders
      .filter(({ id }) => endingOf(facts, id) === "confirmed")
      .flatMap(({ items }) => items)
      .filter((line) => line.sku === sku)
      .reduce((sum, { quantity }) => sum + quantity, 0);
  return all(
    none(
      "stock: units still held",
      facts.stock.filter(({ held }) => held > 0).map(({ sku, held }) => `${held} of ${sku}`),
    ),
    none(
      "stock: products sold otherwise than ordered",
      facts.stock
        .filter(({ sku, sold }) => sold !== soldOf(sku))
        .map(({ sku, sold }) => `${sold} of ${sku} are sold, ${soldOf(sku)} were confirmed`),
    ),
  );
}

function imagesVerdict({ images }: Answered, facts: Facts): Verdict {
  const photos = images.filter(({ content }) => content === "photo");
  const poison = images.filter(({ content }) => content !== "photo");
  const textOf = (key: string) => JSON.stringify(key);
  const lost = photos.flatMap(({ objectKey: key }) => {
    if (isSetAside(facts, "thumbnails", textOf(key))) return [];
    const sizes = facts.images.get(key);
    if (!sizes) return [`${key} has no row`];
    if (new Set(sizes).size !== 3) return [`${key} has ${sizes.length} sizes`];
    const missing = sizes.filter((size) => !facts.sizes.has(size));
    if (missing.length > 0) return [`${key} lacks ${missing.join(", ")}`];
    const scanned = facts.scanned.has(key) || isSetAside(facts, "scanning", textOf(key));
    return scanned ? [] : [`${key} is not scanned`];
  });
  const unnamed = poison
    .filter(({ objectKey }) => !isSetAside(facts, "thumbnails", textOf(objectKey)))
    .map(({ objectKey }) => `${objectKey} is damaged and not in the dead letters`);
  const known = new Set(photos.map(({ objectKey }) => objectKey));
  const wanted = new Set([...facts.images.values()].flat());
  const extra = [
    ...[...facts.images.keys()].filter((key) => !known.has(key)).map((key) => `${key} has a row`),
    ...[...facts.sizes].filter((key) => !wanted.has(key)).map((key) => `${key} is of no row`),
  ];
  return all(
    count("images: answered", images.length),
    count("images: with a row and three sizes", facts.images.size),
    count("images: damaged, set aside", poison.length - unnamed.length),
    none("images: lost", [...lost, ...unnamed]),
    none("images: doubled", extra),
  );
}

function mailsVerdict({ orders }: Answered, facts: Facts, strain: Strain): Verdict {
  const idOf = (kind: string, id: string) => messageIdOf(`${kind}-${id}`, sender);
  const expected = new Map(
    orders.flatMap(({ id }) => {
      const ending = endingOf(facts, id);
      if (!ending) return [];
      const name = `${ending === "confirmed" ? "receipt" : "apology"}-${id}`;
      return [[messageIdOf(name, sender), name] as const];
    }),
  );
  const missing = [...expected]
    .filter(([id, name]) => !facts.mails.has(id) && !isSetAside(facts, "mails", name))
    .map(([id]) => id);
  // A mail that was on its way when its execution got stuck.
  const open = new Set(
    orders
      .filter(({ id }) => !endingOf(facts, id))
      .flatMap(({ id }) => [idOf("receipt", id), idOf("apology", id)]),
  );
  const strange = [...facts.mails.keys()].filter((id) => !expected.has(id) && !open.has(id));
  return all(
    count("mails: distinct", facts.mails.size),
    atMost(
      "mails: second copies, with the same Message-ID",
      copiesIn(facts.mails),
      copiesOf(strain),
    ),
    none("mails: missing", missing),
    none("mails: nobody's", strange),
  );
}

const copiesOf = ({ kills, late }: Strain): number => kills * atWork + late;

const copiesIn = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, times) => sum + times - 1, 0);

function postsVerdict({ failures }: Answered, facts: Facts, strain: Strain): Verdict {
  const expected = new Map(
    failures.map(({ orderId, reason }) => [
      `Payment of order ${orderId} failed: ${reason}`,
      orderId,
    ]),
  );
  const missing = [...expected]
    .filter(([text]) => !facts.posts.has(text))
    .filter(([, id]) => !["inbox", "alerts"].some((queue) => isSetAside(facts, queue, id)))
    .map(([text]) => text);
  return all(
    count("posts: distinct", facts.posts.size),
    atMost("posts: second copies", copiesIn(facts.posts), copiesOf(strain)),
    none("posts: missing", missing),
    none(
      "posts: nobody's",
      [...facts.posts.keys()].filter((text) => !expected.has(text)),
    ),
  );
}

function deadLettersVerdict({ orders, images }: Answered, { setAside }: Facts): Verdict {
  const damaged = images
    .filter(({ content }) => content !== "photo")
    .map(({ objectKey }) => JSON.stringify(objectKey));
  const others = setAside.filter(
    ({ queue, body }) => queue !== "thumbnails" || !damaged.some((key) => body.includes(key)),
  );
  return {
    ...all(
      count("dead letters: of damaged images", setAside.length - others.length),
      atMost("dead letters: of others", others.length, someOf(orders.length)),
      none(
        "dead letters: without a reason",
        setAside
          .filter(({ reason }) => reason === "")
          .map(({ queue, body }) => `${queue}: ${body}`),
      ),
    ),
    notes: others.map(({ queue, reason, body }) => `set aside from ${queue}: ${reason}: ${body}`),
  };
}
