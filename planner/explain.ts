import { leftOut } from "./cost.ts";
import { money, number } from "./format.ts";
import type { Placement } from "./place.ts";
import type { Reason } from "./questions.ts";

const said = ({ question, kind, text }: Reason) =>
  `${question}${kind === "limit" ? " (limit)" : ""}: ${text}`;

/** Without an exponent: prices go down to $0.0000033334. */
const plain = (price: number) => price.toFixed(10).replace(/\.?0+$/, "");

/** Host and cost of a placement in one line: "users: function, about $5.69 a month". */
export function summary({ name, host, monthly: { amount } }: Placement): string {
  if (amount === "unknown") return `${name}: ${host}, cost unknown`;
  return `${name}: ${host}, ${amount < 0.01 ? "" : "about "}${money(amount)} a month`;
}

/**
 * A placement as lines for people: the choice, its reasons, its cost line by line, and why the
 * other hosts were rejected.
 */
export function explain(placement: Placement): readonly string[] {
  const { because, rejected, unmet, monthly, concurrency } = placement;
  return [
    summary(placement),
    ...unmet.map(({ text }) => `  cannot be deployed: ${text}`),
    ...because.map((reason) => `  ${said(reason)}`),
    ...(concurrency
      ? [
          [
            `  instances: ${number(concurrency.expected)} at the peak`,
            ...(concurrency.provisioned ? [`${number(concurrency.provisioned)} provisioned`] : []),
            ...(concurrency.reserved ? [`at most ${number(concurrency.reserved)}`] : []),
          ].join(", "),
        ]
      : []),
    ...monthly.items.map(
      ({ what, quantity, unit, price, amount }) =>
        `  ${money(amount)}  ${what}: ${number(quantity)} at ${price === "unknown" ? "an unknown price" : `$${plain(price)}`} a ${unit}`,
    ),
    ...rejected.map(({ host, because }) => `  not ${host}: ${because.map(said).join("; ")}`),
    `  list prices of ${monthly.prices.region}, ${monthly.prices.date}, without: ${leftOut.join("; ")}`,
  ];
}
