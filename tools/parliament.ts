import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { pythonVenv } from "./python.ts";

/** An IAM policy linter by another hand (PyPI, 2026-11). Its command needs setuptools' old parts. */
const requirements = ["parliament==1.6.4", "setuptools==80.9.0"];

/** Makes the linter's Python environment where it is not there yet; answers its bin folder. */
export const parliamentVenv = (): Promise<string> => pythonVenv("parliament-1.6.4", requirements);

/** What the linter says of a policy. */
export interface Finding {
  /** Name of the policy. */
  readonly policy: string;
  /** Such as "UNKNOWN_ACTION". */
  readonly issue: string;
  /** What it is about, in the linter's own form. */
  readonly detail: unknown;
}

/**
 * What parliament finds in IAM policy documents; empty where all is well. One process judges all:
 * it takes a second and a half to start.
 * @param documents policy documents, as JSON, by name
 * @throws {Error} where Python is missing, or parliament itself fails
 */
export async function parliamentFindings(
  documents: Readonly<Record<string, string>>,
): Promise<readonly Finding[]> {
  const program = join(await parliamentVenv(), "parliament");
  const folder = await mkdtemp(join(tmpdir(), "spillway-parliament-"));
  const all = Object.entries(documents);
  try {
    // Names may be any text, files are numbered.
    for (const [index, [, document]] of all.entries())
      await writeFile(join(folder, `${index}.json`), document);
    return (await linesOf(program, folder)).map((line) => {
      const { issue, detail, location } = JSON.parse(line);
      const policy = all[Number(basename(location.filepath, ".json"))]?.[0] ?? location.filepath;
      return { policy, issue, detail };
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** It ends with code 1 where it found something, and prints a JSON object a line. */
async function linesOf(program: string, folder: string): Promise<readonly string[]> {
  const running = promisify(execFile)(program, ["--json", "--directory", folder]);
  const { stdout, stderr, code } = await running.then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  if (code !== 0 && lines.length === 0) throw new Error(`parliament: it failed: ${stderr}`);
  return lines;
}
