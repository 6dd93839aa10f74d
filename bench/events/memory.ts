import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { type Bench, ratio, result, shown } from "../result.ts";
import { photo } from "./photo.ts";

const pairs = 7;

/** The most memory that a fresh process held while it did one photo, in MB. */
const peakOf = (how: "workload" | "bare", file: string) => async () => {
  const script = path.join(import.meta.dirname, "one-photo.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [script, how, file]);
  return Number(stdout) / 1000;
};

/** One photo of 12 MP in a process of its own: the workload's code against the bare library. */
export const memory: Bench = async () => {
  if (!existsSync("/proc/self/status"))
    throw new Error("bench: memory is read from /proc, which only Linux has; use --only");
  const folder = mkdtempSync(path.join(tmpdir(), "spillway-bench-"));
  try {
    const file = path.join(folder, "photo.jpg");
    writeFileSync(file, await photo());
    const peak = await ratio(pairs, peakOf("workload", file), peakOf("bare", file));
    return [
      result("memory: the workload / bare sharp", peak.ratio, "ratio", "<=", 1.2),
      shown("memory: the workload", peak.a, "MB"),
      shown("memory: bare sharp", peak.b, "MB"),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
