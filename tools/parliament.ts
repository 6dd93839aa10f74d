import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { pythonVenv } from "./python.ts";

/** An IAM policy linter by another hand (PyPI, 2026-11). Its command needs setuptools' old parts. */
const requirements = ["parliament==1.6.4", "setuptools==80.9.0"];

/** Makes the linter's Python environment where it is not there yet; answers its bin folder. */
export const parliamentVenv = (): Promise<string> => pythonVenv("parliament-1.6.4", requirements);

/**
 * What parliament finds in IAM policy documents, one text a finding; empty where all is well.
 * @param documents policy documents, as JSON, by name
 * @throws {Error} where Python is missing, or parliament itself fails
 */
export async function parliamentFindings(
  documents: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const program = join(await parliamentVenv(), "parliament");
  const findings = Object.entries(documents).map(async ([name, document]) =>
    (await findingsOf(program, document)).map((finding) => `${name}: ${finding}`),
  );
  return (await Promise.all(findings)).flat();
}

/** It ends with code 1 where it found something, and prints a JSON object a line. */
async function findingsOf(program: string, document: string): Promise<readonly string[]> {
  const running = promisify(execFile)(program, ["--json"]);
  running.child.stdin?.end(document);
  const { stdout, stderr, code } = await running.then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  if (code !== 0 && lines.length === 0) throw new Error(`parliament: it failed: ${stderr}`);
  return lines;
}
