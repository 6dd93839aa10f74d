/** A figure, or the word for one that is not known: never 0 in its place. */
export type Known = number | "unknown";

/** One list price, with where it stands and when it was last seen there. */
export interface Price {
  /** In the list's currency, for one unit. */
  readonly amount: Known;
  readonly unit: string;
  /** The provider's page that states it. */
  readonly source: string;
  /** When it was last checked, ISO date, and in what; "never" where `amount` is unknown. */
  readonly checked: string;
}

/** What the estimates need a price of. */
export const priced = [
  "function requests",
  "function GB-seconds, arm64",
  "function GB-seconds, x86_64",
  "function provisioned GB-seconds, arm64",
  "function provisioned GB-seconds, x86_64",
  "function GB-seconds on provisioned, arm64",
  "function GB-seconds on provisioned, x86_64",
  "gateway requests",
  "container vCPU-hours, arm64",
  "container vCPU-hours, x86_64",
  "container GB-hours, arm64",
  "container GB-hours, x86_64",
  "GPU instance hours",
  "load balancer hours",
  "load balancer capacity unit hours",
  "NAT gateway hours",
  "NAT gateway GB",
  "public IPv4 hours",
  "log GB",
] as const;
export type Priced = (typeof priced)[number];

/** What an account gets for nothing each month. It is shown apart and never subtracted. */
export interface FreeTier {
  readonly of: Priced;
  /** In the price's unit. */
  readonly quantity: number;
  readonly terms: string;
}

/** List prices of one region. */
export interface PriceList {
  readonly provider: "aws";
  readonly region: string;
  readonly currency: "USD";
  /** When the list was put together, ISO date. */
  readonly date: string;
  readonly prices: Readonly<Record<Priced, Price>>;
  readonly freeTier: readonly FreeTier[];
  /** The GPU instance that is priced, and the memory that it has, in MB. */
  readonly gpuInstance: { readonly type: string; readonly memoryMb: number };
}
