/** One registered resource, as the engine would have seen it. */
export interface Resource {
  /** Token, such as `aws:lambda/function:Function`. */
  readonly type: string;
  /** The logical name. */
  readonly name: string;
  readonly urn: string;
  /** False for components. */
  readonly custom: boolean;
  /** URN of its parent; see {@link Graph.parent}. */
  readonly parent: string | undefined;
  /** URNs of what it depends on, by inputs or by `dependsOn`. */
  readonly dependsOn: readonly string[];
  readonly protect: boolean;
  /** Logical name of the provider that it was given; `undefined` for the default one. */
  readonly provider: string | undefined;
  /** Secrets are unwrapped; `secrets` says where they were. */
  // biome-ignore lint/suspicious/noExplicitAny: inputs are the provider's business; tests reach in
  readonly inputs: Readonly<Record<string, any>>;
  /** Paths of secret inputs, such as `environment.variables.KEY`. */
  readonly secrets: readonly string[];
}

export interface Log {
  readonly severity: "debug" | "info" | "warning" | "error";
  readonly message: string;
}

/** A statement with its lists as lists. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Principal?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

/** What a program registered, by name: the order of registration differs from run to run. */
export class Graph<T = unknown> {
  /** What the program returned. */
  readonly result: T;
  readonly resources: readonly Resource[];
  readonly logs: readonly Log[];

  constructor(result: T, resources: readonly Resource[], logs: readonly Log[]) {
    this.result = result;
    this.resources = resources.toSorted(
      (a, b) => compare(a.name, b.name) || compare(a.type, b.type),
    );
    this.logs = logs;
  }

  /** All resources of a type. */
  all(type: string): readonly Resource[] {
    return this.resources.filter((resource) => resource.type === type);
  }

  /**
   * The one resource of a type, or the one with that name.
   * @param type token, such as `aws:sqs/queue:Queue`
   * @param name logical name; may be left out where there is only one of the type
   * @throws {Error} that lists what there is
   */
  find(type: string, name?: string): Resource {
    const all = this.all(type);
    const found = name === undefined ? all : all.filter((resource) => resource.name === name);
    if (found.length === 1 && found[0]) return found[0];
    const there =
      all.length > 0
        ? `of this type there are: ${list(all.map((resource) => resource.name))}`
        : `types in the graph: ${list(this.resources.map((resource) => resource.type))}`;
    throw new Error(`Graph: ${found.length} × ${type} ${name ? `"${name}"` : "(any)"}; ${there}`);
  }

  /** The resource that it was made under, or `undefined` for the stack. */
  parent(resource: Resource): Resource | undefined {
    return this.resources.find((other) => other.urn === resource.parent);
  }

  /** The resources made directly under one. */
  children(resource: Resource): readonly Resource[] {
    return this.resources.filter((other) => other.parent === resource.urn);
  }

  /** What a resource depends on, directly. */
  dependencies(resource: Resource): readonly Resource[] {
    return this.resources.filter((other) => resource.dependsOn.includes(other.urn));
  }

  /**
   * The policy document of the resource with that name, parsed, its single values made lists.
   * @param name logical name of a resource with a policy
   * @param property the input that holds it. Default: "policy"
   * @throws {Error} that lists the resources with such a policy
   */
  policy(name: string, property = "policy"): PolicyDocument {
    const having = this.resources.filter((resource) => resource.inputs[property] !== undefined);
    const found = having.filter((resource) => resource.name === name);
    if (found.length !== 1 || !found[0])
      throw new Error(
        `Graph: ${found.length} × "${name}" with "${property}"; there are: ${list(having.map((r) => r.name))}`,
      );
    const given = found[0].inputs[property];
    const document = typeof given === "string" ? JSON.parse(given) : given;
    return {
      ...document,
      Statement: lists<RawStatement>(document.Statement).map((statement) => ({
        ...statement,
        Action: lists(statement.Action),
        Resource: lists(statement.Resource),
      })),
    };
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
type OneOrMore<T> = T | readonly T[];
type RawStatement = Omit<Statement, "Action" | "Resource"> & {
  readonly Action: OneOrMore<string>;
  readonly Resource?: OneOrMore<string>;
};
const lists = <T>(value: OneOrMore<T> | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];
const list = (names: readonly string[]): string => [...new Set(names)].join(", ") || "none";
