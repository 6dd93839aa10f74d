import path from "node:path";
import ts from "typescript";

export const root = path.resolve(import.meta.dirname, "../..");

/** What the compiler says of a source: file from the root, the line as it stands, the error. */
export interface Complaint {
  readonly file: string;
  readonly line: string;
  readonly code: number;
  readonly message: string;
}

/** The project's own compiler options, so that what is checked here is what `tsc` checks. */
export const options = (): ts.CompilerOptions =>
  ts.parseJsonConfigFileContent(
    { ...ts.readConfigFile(path.join(root, "tsconfig.json"), ts.sys.readFile).config, include: [] },
    ts.sys,
    root,
  ).options;

/**
 * Type-checks sources that are on no disk, in one program.
 * @param sources by the path, from the root, where each would stand: imports are resolved from there
 * @param changes to the project's compiler options
 */
export function compile(
  sources: ReadonlyMap<string, string>,
  changes: ts.CompilerOptions = {},
): readonly Complaint[] {
  const texts = new Map([...sources].map(([file, text]) => [path.join(root, file), text]));
  const settings = { ...options(), ...changes };
  const host = ts.createCompilerHost(settings);
  const onDisk = { fileExists: host.fileExists, readFile: host.readFile };
  host.fileExists = (file) => texts.has(file) || onDisk.fileExists(file);
  host.readFile = (file) => texts.get(file) ?? onDisk.readFile(file);
  const program = ts.createProgram([...texts.keys()], settings, host);
  return [...texts.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    const found = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return found.map(({ code, messageText, start = 0 }) => ({
      file: path.relative(root, file),
      line: lineAt(source?.text ?? "", start),
      code,
      message: ts.flattenDiagnosticMessageText(messageText, "\n"),
    }));
  });
}

function lineAt(text: string, position: number): string {
  const end = text.indexOf("\n", position);
  return text.slice(text.lastIndexOf("\n", position - 1) + 1, end < 0 ? undefined : end).trim();
}
