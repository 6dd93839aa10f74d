import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Fault } from "../faults.ts";

/** OWASP Password Storage Cheat Sheet: N = 2^15 (32 MiB), r = 8, p = 3 is one of its equals. */
const cost = { N: 32_768, r: 8, p: 3 };
const saltBytes = 16;
const hashBytes = 32;
/** Half of Node's four threads: files and name look-ups need the others. */
const atOnce = 2;
/** More than this many in the queue would wait for seconds. */
const maxWaiting = 100;

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);
const hash = (password: string, salt: Buffer) =>
  derive(password.normalize("NFKC"), salt, hashBytes, { ...cost, maxmem: 256 * cost.N * cost.r });

let running = 0;
const waiting: (() => void)[] = [];

/** @throws `throttled` where too many wait already */
async function inTurn<T>(fault: Fault, work: () => Promise<T>): Promise<T> {
  if (waiting.length >= maxWaiting)
    throw fault("throttled", "too many sign-ins at the same time; try again in a few seconds");
  if (running >= atOnce) await new Promise<void>((turn) => waiting.push(turn));
  else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

/** What is stored instead of a password: salt and hash. */
export const hashPassword = (fault: Fault, password: string): Promise<string> =>
  inTurn(fault, async () => {
    const salt = randomBytes(saltBytes);
    return Buffer.concat([salt, await hash(password, salt)]).toString("base64url");
  });

/** Whether it is the password. Takes as long where nothing is stored. */
export const isPassword = (fault: Fault, password: string, stored?: string): Promise<boolean> =>
  inTurn(fault, async () => {
    const known = stored ? Buffer.from(stored, "base64url") : Buffer.alloc(saltBytes + hashBytes);
    const given = await hash(password, known.subarray(0, saltBytes));
    return timingSafeEqual(given, known.subarray(saltBytes)) && stored !== undefined;
  });

/**
 * What is wrong with a new password. Its length counts, not its kinds of characters (NIST SP
 * 800-63B-4, 3.1.1.2), as in the user pools that we make; 256 characters are Cognito's most.
 */
export function passwordFault(password: string, minLength: number): string | undefined {
  if (password.length < minLength || password.length > 256)
    return `a password of ${password.length} characters; use ${minLength} to 256`;
  if (password.trim() !== password || !password.isWellFormed())
    return "a password that begins or ends with a space, or is no text; leave that out";
  return undefined;
}
