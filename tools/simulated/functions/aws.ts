/** Answers of AWS's functions: what the simulated account looks like. */
import type { Call } from "../provider.ts";
import { digest } from "../wire.ts";

export const aws: Record<string, Call> = {
  "aws:index/getCallerIdentity:getCallerIdentity": (_, { account }) => ({
    id: account,
    accountId: account,
    arn: `arn:aws:iam::${account}:user/simulated`,
    userId: "AIDASIMULATEDSIMULATED",
  }),
  "aws:index/getRegion:getRegion": (args, { region }) => {
    const name = args.region ?? args.name ?? region;
    const endpoint = `ec2.${name}.amazonaws.com`;
    return { id: name, name, region: name, endpoint, description: `Simulated (${name})` };
  },
  "aws:index/getPartition:getPartition": () => ({
    id: "aws",
    partition: "aws",
    dnsSuffix: "amazonaws.com",
    reverseDnsPrefix: "com.amazonaws",
  }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": (args, { region }) => {
    const where = args.region ?? region;
    const excluded = Array.isArray(args.excludeNames) ? args.excludeNames : [];
    const names = ["a", "b", "c"]
      .map((zone) => `${where}${zone}`)
      .filter((n) => !excluded.includes(n));
    const zoneIds = names.map((name) => `az${"abc".indexOf(name.at(-1) ?? "") + 1}`);
    return { ...args, id: where, region: where, names, zoneIds, groupNames: [where] };
  },
  "aws:ec2/getSecurityGroup:getSecurityGroup": (args, { region, account }) => {
    const id = `sg-${digest([args.name, args.vpcId, args.id]).slice(0, 17)}`;
    return { ...args, id, arn: `arn:aws:ec2:${region}:${account}:security-group/${id}` };
  },
  "aws:iam/getPolicyDocument:getPolicyDocument": (args) => {
    const document = {
      Version: args.version ?? "2012-10-17",
      Statement: statements(args.statements),
    };
    const json = JSON.stringify(document, null, 2);
    return { ...args, id: "policy", json, minifiedJson: JSON.stringify(document) };
  },
};

interface Statement {
  sid?: string;
  effect?: string;
  actions?: string[];
  notActions?: string[];
  resources?: string[];
  notResources?: string[];
  principals?: { type: string; identifiers: string[] }[];
  notPrincipals?: { type: string; identifiers: string[] }[];
  conditions?: { test: string; variable: string; values: string[] }[];
}

function statements(given: unknown): unknown[] {
  return ((given as Statement[] | undefined) ?? []).map((statement) => ({
    Sid: statement.sid,
    Effect: statement.effect ?? "Allow",
    Action: one(statement.actions),
    NotAction: one(statement.notActions),
    Resource: one(statement.resources),
    NotResource: one(statement.notResources),
    Principal: principals(statement.principals),
    NotPrincipal: principals(statement.notPrincipals),
    Condition: conditions(statement.conditions),
  }));
}

/** A policy's JSON writes a list of one as the bare value. */
const one = (list?: string[]): string | string[] | undefined =>
  list && list.length === 1 ? list[0] : list;

function principals(list: Statement["principals"]): unknown {
  if (!list) return undefined;
  if (list.some(({ type }) => type === "*")) return "*";
  return Object.fromEntries(list.map(({ type, identifiers }) => [type, one(identifiers)]));
}

function conditions(list: Statement["conditions"]): unknown {
  if (!list) return undefined;
  const byTest: Record<string, Record<string, unknown>> = {};
  for (const { test, variable, values } of list)
    byTest[test] = { ...byTest[test], [variable]: one(values) };
  return byTest;
}
