import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

export const root = path.resolve(import.meta.dirname, "../..");

/** Files of the project (tracked, or new and not ignored), from the root, with "/". */
export function files(ending: RegExp): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: root,
    encoding: "utf8",
  });
  return listed.split("\0").filter((file) => ending.test(file) && exists(file));
}

const exists = (file: string) => ts.sys.fileExists(path.join(root, file));

export const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

export interface Import {
  readonly from: string;
  /** A file from the root, or a package's name. */
  readonly to: string;
  readonly isPackage: boolean;
}

/** Static and dynamic imports of a file, as written; computed ones cannot be seen. */
export function importsOf(file: string): readonly Import[] {
  return ts
    .preProcessFile(read(file), true, true)
    .importedFiles.map(({ fileName }) =>
      fileName.startsWith(".")
        ? { from: file, to: path.posix.join(path.posix.dirname(file), fileName), isPackage: false }
        : { from: file, to: packageOf(fileName), isPackage: true },
    );
}

function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  const [first = "", second = ""] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}
