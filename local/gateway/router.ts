import type { Route } from "../../spec/index.ts";

interface Node<T> {
  readonly fixed: Map<string, Node<T>>;
  param?: Node<T>;
  readonly byMethod: Map<string, T>;
  /** Targets of a `{name+}` that starts here, by method. */
  readonly rest: Map<string, T>;
}

const node = <T>(): Node<T> => ({ fixed: new Map(), byMethod: new Map(), rest: new Map() });

/**
 * Compiles routes into one lookup. Plain text goes before `{name}`, that before `{name+}`, and
 * within one path the method that is named before ANY, as at API Gateway. A parameter takes one
 * segment that is not empty. HEAD is answered where HEAD or ANY is declared.
 * @returns the target of a method and a path (as in a URL, without the query), if any
 */
export function compileRoutes<T>(
  routes: readonly { readonly route: Route; readonly target: T }[],
): (method: string, path: string) => T | undefined {
  const root = node<T>();
  for (const { route, target } of routes) {
    let at = root;
    let last = false;
    for (const segment of route.segments) {
      if (segment.endsWith("+}")) {
        at.rest.set(route.method, target);
        last = true;
      } else if (segment.startsWith("{")) {
        at.param ??= node();
        at = at.param;
      } else {
        const next = at.fixed.get(segment) ?? node<T>();
        at.fixed.set(segment, next);
        at = next;
      }
    }
    if (!last) at.byMethod.set(route.method, target);
  }
  return (method, path) => {
    const decoded = path.includes("%") ? decode(path) : path;
    return find(root, method, decoded, 1);
  };
}

/** Decoded as the workload's own router decodes it, so that both see one path. */
function decode(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/** @param from where the next segment starts; past the end where none is left */
function find<T>(at: Node<T>, method: string, path: string, from: number): T | undefined {
  if (from > path.length || path === "/") return at.byMethod.get(method) ?? at.byMethod.get("ANY");
  const slash = path.indexOf("/", from);
  const end = slash === -1 ? path.length : slash;
  const fixed = at.fixed.size > 0 ? at.fixed.get(path.slice(from, end)) : undefined;
  const viaFixed = fixed && find(fixed, method, path, end + 1);
  if (viaFixed !== undefined) return viaFixed;
  if (end === from) return undefined;
  const viaParam = at.param && find(at.param, method, path, end + 1);
  return viaParam ?? at.rest.get(method) ?? at.rest.get("ANY");
}
