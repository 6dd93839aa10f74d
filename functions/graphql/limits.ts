import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { Problem } from "../../runtime/http/problem.ts";
import { listSizes, pageArgument, weights } from "./schema.ts";

/**
 * What one request may ask for. The largest that is meant, a page of 50 orders with their products,
 * is 5 deep and costs some 9,000; nine orders may be placed at once.
 */
export const queryLimits = {
  /** Characters of a document. */
  characters: 10_000,
  /** Tokens of a document, counted while it is read. */
  tokens: 1_000,
  /** Fields inside each other. */
  depth: 7,
  /** Fields by another name, fragments written out. */
  aliases: 15,
  directives: 10,
  /** Fields of the answer at the most: those in lists count for each that there may be. */
  cost: 10_000,
};

interface Size {
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  readonly cost: number;
}
const nothing: Size = { depth: 0, aliases: 0, directives: 0, cost: 0 };

const plus = (a: Size, b: Size): Size => ({
  depth: Math.max(a.depth, b.depth),
  aliases: a.aliases + b.aliases,
  directives: a.directives + b.directives,
  cost: a.cost + b.cost,
});

/**
 * How large a document's answer may be. Each fragment is measured once, however often it is spread.
 * @throws {Problem} 400 for fragments that contain themselves
 */
export function sizeOf({ definitions }: DocumentNode): Size {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const one of definitions)
    if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one);
  const measured = new Map<string, Size | "being measured">();

  const spread = (name: string): Size => {
    const known = measured.get(name);
    if (known === "being measured")
      throw new Problem("invalid", { detail: "A fragment contains itself." });
    if (known) return known;
    const fragment = fragments.get(name);
    if (!fragment) return nothing;
    measured.set(name, "being measured");
    const size = plus(of(fragment.selectionSet), directed(fragment.directives?.length));
    measured.set(name, size);
    return size;
  };
  const field = (node: FieldNode): Size => {
    const inside = node.selectionSet ? of(node.selectionSet) : nothing;
    return {
      depth: inside.depth + 1,
      aliases: inside.aliases + (node.alias ? 1 : 0),
      directives: inside.directives + (node.directives?.length ?? 0),
      cost: (weights[node.name.value] ?? 1) + inside.cost * timesOf(node),
    };
  };
  const of = ({ selections }: SelectionSetNode): Size =>
    selections
      .map((one) => {
        if (one.kind === Kind.FIELD) return field(one);
        const inside =
          one.kind === Kind.FRAGMENT_SPREAD ? spread(one.name.value) : of(one.selectionSet);
        return plus(inside, directed(one.directives?.length));
      })
      .reduce(plus, nothing);

  return definitions
    .map((one) => {
      if (one.kind === Kind.OPERATION_DEFINITION)
        return plus(of(one.selectionSet), directed(one.directives?.length));
      return one.kind === Kind.FRAGMENT_DEFINITION ? spread(one.name.value) : nothing;
    })
    .reduce(plus, nothing);
}

const directed = (directives = 0): Size => ({ ...nothing, directives });

/** A page's size as it is written; where a variable gives it, the largest. */
function timesOf({ name, arguments: given = [] }: FieldNode): number {
  const usual = listSizes[name.value];
  if (usual === undefined) return 1;
  const page = given.find((one) => one.name.value === pageArgument.name);
  if (!page) return usual;
  const written = page.value.kind === Kind.INT ? Number(page.value.value) : pageArgument.most;
  return Math.min(Math.max(written, 1), pageArgument.most);
}

/** @throws {Problem} 400 for a document that asks for more than is granted */
export function checkSize(document: DocumentNode): void {
  const size = sizeOf(document);
  for (const what of ["depth", "aliases", "directives", "cost"] as const)
    if (size[what] > queryLimits[what])
      throw new Problem("invalid", {
        detail: `The query's ${what} of ${size[what]} is over ${queryLimits[what]}; ask for less.`,
      });
}
