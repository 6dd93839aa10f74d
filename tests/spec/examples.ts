import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { root } from "./compile.ts";

/** The code of an `@example` in a docstring. */
export interface Example {
  /** From the root. */
  readonly file: string;
  readonly line: number;
  readonly code: string;
}

/** Every `@example` of the TypeScript files in some folders, or in single files. */
export const examplesIn = (places: readonly string[]): readonly Example[] =>
  places.flatMap(sourcesIn).flatMap((file) => examplesOf(file, read(file)));

/** The examples of one source; a fence around the code is taken off. */
export function examplesOf(file: string, source: string): readonly Example[] {
  const docstrings = source.matchAll(/\/\*\*[\s\S]*?\*\//g);
  return [...docstrings].flatMap(({ 0: docstring, index }) => {
    const lines = docstring
      .replace(/\s*\*\/$/, "")
      .split("\n")
      .map((line) => line.replace(/^\s*\*? ?/, ""));
    const first = source.slice(0, index).split("\n").length;
    return lines.flatMap((line, at) => {
      if (!line.startsWith("@example")) return [];
      const rest = lines.slice(at + 1);
      const end = rest.findIndex((other) => other.startsWith("@"));
      const code = rest.slice(0, end < 0 ? undefined : end).filter((l) => !l.startsWith("```"));
      return [{ file, line: first + at, code: code.join("\n") }];
    });
  });
}

/** What a module exports or imports, by the name under which an example would use it. */
export function namesOf(file: string): ReadonlyMap<string, string> {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
  const names = new Map<string, string>();
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const text = statement.getText().replace(/^import type /, "import ");
      for (const name of boundBy(statement)) names.set(name, text);
    } else if (ts.isExportDeclaration(statement) && statement.moduleSpecifier) {
      const from = (statement.moduleSpecifier as ts.StringLiteral).text;
      const target = path.posix.join(path.posix.dirname(file), from);
      for (const name of exportedBy(statement, target)) names.set(name, imported(name, file));
    } else if (isExported(statement))
      for (const name of declaredBy(statement)) names.set(name, imported(name, file));
  }
  return names;
}

/** An import of a name from a file of the project, to stand in any file: its path is absolute. */
const imported = (name: string, file: string) =>
  `import { ${name} } from ${JSON.stringify(path.join(root, file))};`;

const read = (file: string) => readFileSync(path.join(root, file), "utf8");

function sourcesIn(place: string): readonly string[] {
  if (place.endsWith(".ts")) return [place];
  return readdirSync(path.join(root, place), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.posix.join(place, file))
    .sort();
}

function boundBy({ importClause }: ts.ImportDeclaration): readonly string[] {
  const bindings = importClause?.namedBindings;
  return [
    ...(importClause?.name ? [importClause.name.text] : []),
    ...(bindings && ts.isNamespaceImport(bindings) ? [bindings.name.text] : []),
    ...(bindings && ts.isNamedImports(bindings) ? bindings.elements.map((e) => e.name.text) : []),
  ];
}

const exportedBy = ({ exportClause }: ts.ExportDeclaration, target: string): readonly string[] =>
  exportClause && ts.isNamedExports(exportClause)
    ? exportClause.elements.map((element) => element.name.text)
    : [...namesOf(target)].filter(([, from]) => from.startsWith("import { ")).map(([name]) => name);

const isExported = (statement: ts.Statement) =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some((m) => m.kind === ts.SyntaxKind.ExportKeyword);

function declaredBy(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
  return name ? [name.text] : [];
}
