/**
 * A process that makes the sizes of one photo and ends: `one-photo.ts workload|bare <file>`. Prints
 * the most memory that it ever held, in kB.
 */
import { readFileSync } from "node:fs";

const [how, file = ""] = process.argv.slice(2);
const body = readFileSync(file);
const sizes = how === "workload" ? await byWorkload() : await byLibrary();
if (sizes.length !== 3) throw new Error(`bench: ${sizes.length} sizes were made`);
// The high water mark of the resident set (proc_pid_status(5)); the kernel keeps it.
console.log(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);

async function byWorkload(): Promise<readonly Uint8Array[]> {
  const { sizesOf, storedPhoto } = await import("./workload.ts");
  return sizesOf(storedPhoto(body));
}

async function byLibrary(): Promise<readonly Uint8Array[]> {
  const { default: sharp } = await import("sharp");
  // As the workload sets it: one thread for each image, nothing kept for the next.
  sharp.concurrency(1);
  sharp.cache(false);
  return (await import("./bare-images.ts")).bareSizes(body);
}
