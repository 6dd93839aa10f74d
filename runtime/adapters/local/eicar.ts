/**
 * The anti-malware test file of EICAR, in two parts: in one, this file would be it to a scanner
 * that looks further than it should.
 */
export const eicar = "X5O!P%@AP[4\\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

/** With what may follow it: spaces, tabs, line ends, Ctrl-Z. */
const longest = 128;
const following = new Set(" \t\n\r\x1a");

/**
 * Whether the test file's text is anywhere in it. Real scanners look at whole files alone; so an
 * image that carries it, at its end or in a comment, is one that this machine finds infected.
 */
export const carriesEicar = (content: Uint8Array): boolean =>
  Buffer.from(content.buffer, content.byteOffset, content.byteLength).includes(eicar, 0, "latin1");

/** Whether this is EICAR's test file by its definition (eicar.org, read 2026-11). */
export function isEicar(content: Uint8Array): boolean {
  if (content.byteLength < eicar.length || content.byteLength > longest) return false;
  const text = Buffer.from(content).toString("latin1");
  return text.startsWith(eicar) && [...text.slice(eicar.length)].every((c) => following.has(c));
}
