/** One answered request, as the dashboard shows it. The query is left out: it may hold secrets. */
export interface RequestRecord {
  readonly id: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** From the first byte of the request to the answer's head, in milliseconds. */
  readonly ms: number;
  readonly workload?: string;
}

/** The last requests, in a ring: to add one costs the same whatever came before. */
export class RecentRequests {
  readonly #ring: RequestRecord[] = [];
  readonly #size: number;
  #next = 0;
  #total = 0;

  /** @param size how many are kept. Default: 200 */
  constructor(size = 200) {
    this.#size = size;
  }

  add(record: RequestRecord): void {
    this.#ring[this.#next] = record;
    this.#next = (this.#next + 1) % this.#size;
    this.#total += 1;
  }

  /** Answered since the start. */
  get total(): number {
    return this.#total;
  }

  /** Newest first. */
  list(): readonly RequestRecord[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)].reverse();
  }
}
