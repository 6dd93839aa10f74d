/** What a spreadsheet would take for a formula; full-width forms too, which some make narrow. */
const formula = /^[\s\p{Cc}]*[=+\-@|%＝＋－＠]/u;
const lineEnd = "\r\n";

/**
 * A field as RFC 4180 wants it. Text that a spreadsheet would run as a formula begins with an
 * apostrophe, as OWASP advises against CSV injection; numbers are no text.
 */
export function fieldOf(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const recordOf = (values: readonly (string | number)[]): string =>
  values.map(fieldOf).join(",") + lineEnd;

/** Gathers records as bytes. Text would take twice the memory, and a string has its limit. */
export class Csv {
  readonly #chunks: Buffer[] = [];
  #pending: string[] = [];
  #pendingLength = 0;
  bytes = 0;

  add(values: readonly (string | number)[]): void {
    const record = recordOf(values);
    this.#pending.push(record);
    this.#pendingLength += record.length;
    if (this.#pendingLength > 1_000_000) this.#flush();
  }

  /** All of it. */
  content(): Uint8Array {
    this.#flush();
    return Buffer.concat(this.#chunks);
  }

  #flush(): void {
    const chunk = Buffer.from(this.#pending.join(""));
    this.#chunks.push(chunk);
    this.bytes += chunk.byteLength;
    this.#pending = [];
    this.#pendingLength = 0;
  }
}
