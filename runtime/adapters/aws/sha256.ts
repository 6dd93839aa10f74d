import { createHash, createHmac } from "node:crypto";

/** SHA-256 as the signer takes it, by OpenSSL. */
export class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }
  update(data: Uint8Array | string) {
    this.#hash.update(data);
  }
  async digest() {
    return new Uint8Array(this.#hash.digest());
  }
  reset() {
    throw new Error("Sha256: used twice; make another");
  }
}
const bytesOf = (value: string | ArrayBuffer | ArrayBufferView): Buffer =>
  typeof value === "string"
    ? Buffer.from(value)
    : value instanceof ArrayBuffer
      ? Buffer.from(value)
      : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
