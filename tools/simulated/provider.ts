/**
 * A provider whose cloud is a folder of files: what a real one does on each of the engine's calls,
 * driven by a property table. Knows nothing of gRPC (server.ts) and of no cloud in particular.
 */
import {
  answer,
  type Context,
  fillComputed,
  type Place,
  type TypeAnswers,
  touchedOutputs,
  withDefaults,
} from "./answers.ts";
import { checkInputs, type Failure } from "./check.ts";
import { type Cloud, type Thing, withSecrets } from "./cloud.ts";
import { type Change, diffInputs } from "./diff.ts";
import type { Faults } from "./faults.ts";
import { completedNames, fillNames, keepsGivenName, prefixFaults } from "./names.ts";
import { mergeTags, plainSettings, typeOf } from "./requests.ts";
import { lookUp, type Table } from "./table.ts";
import { hasUnknown, isObject, revealAll, unknown, type Values } from "./wire.ts";

/** A function of the provider: plain arguments in, plain values out. */
export type Call = (args: Values, place: Place) => Values;

/** What makes a provider: its name and its data. */
export interface Parts {
  name: string;
  table: Table;
  answers: Record<string, TypeAnswers>;
  functions: Record<string, Call>;
  place: Place;
  cloud: Cloud;
  faults: Faults;
}

export interface Diff {
  changes: Change[];
  deleteBeforeReplace: boolean;
}

export class SimulatedProvider {
  readonly #parts: Parts;
  #region: string;
  #defaultTags: Values = {};

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#region = parts.place.region;
  }

  /** Faults in the provider's own settings; nested ones arrive as JSON text. */
  checkConfig(config: Values): Failure[] {
    const { table } = this.#parts;
    if (!table.provider) return [];
    return checkInputs(table, table.provider.properties, plainSettings(config));
  }

  configure(config: Values): void {
    const { region, defaultTags } = plainSettings(config);
    if (typeof region === "string") this.#region = region;
    if (isObject(defaultTags) && isObject(defaultTags.tags)) this.#defaultTags = defaultTags.tags;
  }

  /** Fills in names, checks everything, and adds the tags that the provider sets itself. */
  check(urn: string, olds: Values, news: Values, seed: string | Uint8Array) {
    const type = typeOf(urn);
    const { properties } = this.#type(type);
    const inputs = { ...news };
    const rewrite = this.#answers(type).madeName;
    const names = [
      ...fillNames(properties, inputs, { urn, olds: revealAll(olds), seed, rewrite }),
      ...prefixFaults(properties, inputs),
    ];
    const failures = checkInputs(this.#parts.table, properties, revealAll(inputs));
    const known = new Set(names.map((failure) => failure.property));
    if (properties.tagsAll) inputs.tagsAll = mergeTags(this.#defaultTags, inputs.tags);
    return { inputs, failures: [...names, ...failures.filter((f) => !known.has(f.property))] };
  }

  diff(urn: string, state: Values, oldInputs: Values, news: Values): Diff {
    const { properties } = this.#type(typeOf(urn));
    const [was, olds, now] = [revealAll(state), revealAll(oldInputs), revealAll(news)];
    return {
      changes: diffInputs(this.#parts.table, properties, was, olds, now),
      deleteBeforeReplace: keepsGivenName(properties, olds, now),
    };
  }

  async create(
    urn: string,
    inputs: Values,
    preview: boolean,
  ): Promise<{ id: string; outputs: Values }> {
    const type = typeOf(urn);
    const { properties } = this.#type(type);
    const answers = this.#answers(type);
    const unsure = preview || hasUnknown(inputs);
    const outputs = withDefaults(properties, inputs);
    if (!unsure) Object.assign(outputs, completedNames(properties, inputs));
    const context = this.#context(type, outputs);
    if (unsure)
      return {
        id: "",
        outputs: fillComputed(this.#parts.table, properties, outputs, answers, context, true),
      };

    await this.#parts.faults.at("create", urn, type);
    context.id = String(answer(answers.id ?? "{hex16}", context));
    const key = this.#key(type, context);
    if (!answers.puts && this.#parts.cloud.get(type, key))
      throw new Error(
        `${type} "${key}" already exists in the simulated cloud; choose another name, or import it`,
      );
    fillComputed(this.#parts.table, properties, outputs, answers, context, false);
    this.#parts.cloud.put(key, { type, id: context.id, properties: outputs });
    return { id: context.id, outputs };
  }

  async read(urn: string, id: string, state: Values, inputs: Values) {
    const type = typeOf(urn);
    const { properties } = this.#type(type);
    await this.#parts.faults.at("read", urn, type);
    const thing = this.#find(type, id, state);
    if (!thing) return undefined;
    const outputs = withSecrets(thing, state);
    const imported = Object.keys(inputs).length === 0;
    const names = imported
      ? Object.keys(outputs).filter((n) => properties[n] && !properties[n].computed)
      : Object.keys(inputs).filter((n) => !n.startsWith("__"));
    const read = names.filter((n) => n in outputs).map((n) => [n, outputs[n]]);
    return { id, outputs, inputs: { ...inputs, ...Object.fromEntries(read) } as Values };
  }

  async update(
    urn: string,
    id: string,
    state: Values,
    news: Values,
    preview: boolean,
  ): Promise<Values> {
    const type = typeOf(urn);
    const { properties } = this.#type(type);
    const outputs = withDefaults(properties, news);
    const touched = touchedOutputs(this.#answers(type), (input) =>
      this.#differs(type, input, state, news),
    );
    for (const [name, property] of Object.entries(properties))
      if (
        property.computed &&
        outputs[name] === undefined &&
        name !== "tagsAll" &&
        !touched.has(name)
      )
        outputs[name] = state[name];
    const context = this.#context(type, outputs, id);
    const unsure = preview || hasUnknown(news);
    if (!unsure) {
      await this.#parts.faults.at("update", urn, type);
      if (!this.#find(type, id, state))
        throw new Error(`${type} "${id}" is gone from the simulated cloud; run refresh, then up`);
    }
    fillComputed(this.#parts.table, properties, outputs, this.#answers(type), context, unsure);
    if (!unsure) this.#parts.cloud.put(this.#key(type, context), { type, id, properties: outputs });
    return outputs;
  }

  async delete(urn: string, id: string, state: Values): Promise<void> {
    const type = typeOf(urn);
    await this.#parts.faults.at("delete", urn, type);
    // Gone already is deleted: so do real providers answer.
    this.#parts.cloud.remove(type, this.#key(type, this.#context(type, state, id)));
  }

  /** Calls a function; one that is not known is refused. */
  invoke(token: string, args: Values): { outputs: Values; failures: Failure[] } {
    const { table, name, functions, place } = this.#parts;
    const { properties } = lookUp(table, name, "functions", token);
    const call = functions[token];
    if (!call)
      throw new Error(
        `simulated ${name} provider: function "${token}" has no answer; add one to tools/simulated/functions/${name}.ts`,
      );
    const plain = revealAll(args);
    const failures = checkInputs(table, properties, plain);
    if (failures.length > 0) return { outputs: {}, failures };
    return { outputs: call(plain, { ...place, region: this.#region }), failures };
  }

  cancel(): void {
    this.#parts.faults.cancel();
  }

  #differs(type: string, input: string, state: Values, news: Values): boolean {
    const { properties } = this.#type(type);
    const [was, now] = [revealAll({ [input]: state[input] }), revealAll({ [input]: news[input] })];
    return diffInputs(this.#parts.table, properties, {}, was, now).length > 0;
  }

  #type(type: string) {
    return lookUp(this.#parts.table, this.#parts.name, "resources", type);
  }

  #answers(type: string): TypeAnswers {
    return this.#parts.answers[type] ?? {};
  }

  #context(type: string, props: Values, id = ""): Context {
    const plain = revealAll(props);
    const region =
      typeof plain.region === "string" && plain.region !== unknown ? plain.region : this.#region;
    return { props: plain, type, id, region, account: this.#parts.place.account };
  }

  #key(type: string, context: Context): string {
    const { key } = this.#answers(type);
    return key === undefined ? context.id : String(answer(key, context));
  }

  #find(type: string, id: string, state: Values): Thing | undefined {
    if (Object.keys(state).length === 0) return this.#parts.cloud.find(type, id);
    const thing = this.#parts.cloud.get(type, this.#key(type, this.#context(type, state, id)));
    return thing?.id === id ? thing : undefined;
  }
}
