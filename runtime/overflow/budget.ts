/** What calls of the twin may cost, in units of one's own: requests, or dollars. */
export interface BudgetOptions {
  /** Units within any hour. */
  readonly perHour: number;
  /** Units of a call that took so many ms. */
  readonly costOf: (ms: number) => number;
}

export interface Budget {
  /**
   * Reserves what a call is likely to cost.
   * @returns how to say what it took in ms, `undefined` for one that was not made; or `undefined`
   *   where there is not enough left
   */
  reserve(now: number): ((ms: number | undefined, now: number) => void) | undefined;
  /** Units spent and reserved within the last hour. */
  spent(now: number): number;
  readonly perHour: number;
}

const slotMs = 60_000;
const slots = 60;
/** Share of a new call in what the next is likely to cost, as TCP smooths its round trips (RFC 6298). */
const share = 1 / 8;

/**
 * A cap on what is spent within an hour, counted by the minute, on a monotonic clock in ms. It is of
 * this process and in memory: a process that starts again starts with all of it, and tasks side by
 * side have one each, so a system's cap is that of one task times its tasks. A call is counted with
 * what the last ones cost until it has ended: it can be passed by no more than calls in flight
 * differ from those.
 */
export function budget({ perHour, costOf }: BudgetOptions): Budget {
  let spending: { readonly slot: number; units: number }[] = [];
  let reserved = 0;
  let likely = costOf(1_000);

  const spentIn = (now: number): number => {
    const slot = Math.floor(now / slotMs);
    spending = spending.filter((one) => one.slot > slot - slots);
    return spending.reduce((sum, one) => sum + one.units, 0);
  };
  return {
    perHour,
    spent: (now) => spentIn(now) + reserved,
    reserve(now) {
      const units = likely;
      if (spentIn(now) + reserved + units > perHour) return undefined;
      reserved += units;
      let told = false;
      return (ms, end) => {
        if (told) return;
        told = true;
        // Sums of fractions are off by a little: nothing in flight is nothing reserved.
        reserved = Math.max(0, reserved - units);
        if (ms === undefined) return;
        const cost = costOf(Math.max(0, ms));
        likely += (cost - likely) * share;
        const slot = Math.floor(end / slotMs);
        const last = spending.at(-1);
        if (last && last.slot === slot) last.units += cost;
        else spending.push({ slot, units: cost });
      };
    },
  };
}

/** What a call of a function costs, as plain numbers of a price list. */
export interface CallPrices {
  readonly perRequest: number;
  readonly perGbSecond: number;
  /** Memory of the function, in MB. */
  readonly memoryMb: number;
}

/** Cost of one call that took so many ms: AWS bills by the millisecond begun. */
export const callCost =
  ({ perRequest, perGbSecond, memoryMb }: CallPrices) =>
  (ms: number): number =>
    perRequest + (Math.ceil(ms) / 1_000) * (memoryMb / 1_024) * perGbSecond;

/** A budget as it is declared: of calls, or in money where prices are given. */
export interface HourlyBudget {
  /** Calls, or money in the prices' currency, within any hour and for this process. */
  readonly perHour: number;
  readonly prices?: CallPrices;
}

/**
 * The budget that was declared. The time that a container sees has the way to the function in it,
 * so that what is counted in money is a little more than what is billed.
 */
export const hourlyBudget = ({ perHour, prices }: HourlyBudget): Budget =>
  budget({ perHour, costOf: prices ? callCost(prices) : () => 1 });
