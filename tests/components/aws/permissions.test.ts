import { describe, expect, test } from "vitest";
import {
  broadByNecessity,
  grants,
  isGrantable,
  platformStatements,
  statementsOf,
} from "../../../components/aws/permissions.ts";
import { access, type ResourceKind } from "../../../spec/index.ts";

const arn = "arn:aws:x:::thing";
const of = (kind: ResourceKind | "secret", ...verbs: string[]) =>
  statementsOf({ kind, name: "my-thing", verbs }, arn).map(({ Sid, Action, Resource }) => ({
    Sid,
    Action,
    Resource,
  }));

describe("verbs to permissions", () => {
  test.each(Object.keys(grants).filter((kind) => kind !== "secret"))(
    "every verb of a %s has its grants",
    (kind) => {
      const given = Object.keys(grants[kind as keyof typeof grants]);
      expect(given.sort()).toEqual([...access[kind as ResourceKind].verbs].sort());
    },
  );

  test.each([
    ["get", ["dynamodb:GetItem"]],
    ["query", ["dynamodb:Query"]],
    ["put", ["dynamodb:PutItem"]],
    ["delete", ["dynamodb:DeleteItem"]],
    ["once", ["dynamodb:PutItem"]],
  ])("a table's %s", (verb, Action) => {
    expect(of("table", verb)).toEqual([{ Sid: "TableMyThing", Action, Resource: arn }]);
  });

  test("an object store: objects and bucket apart, and get may tell absent from denied", () => {
    expect(of("objectStore", "get")).toEqual([
      { Sid: "BucketMyThing", Action: ["s3:ListBucket"], Resource: arn },
      { Sid: "ObjectsMyThing", Action: ["s3:GetObject"], Resource: `${arn}/*` },
    ]);
    expect(of("objectStore", "put", "delete")).toEqual([
      {
        Sid: "ObjectsMyThing",
        Action: ["s3:DeleteObject", "s3:PutObject"],
        Resource: `${arn}/*`,
      },
    ]);
  });

  test("several verbs are one statement, without doubles", () => {
    expect(of("table", "put", "once", "get", "delete")).toEqual([
      {
        Sid: "TableMyThing",
        Action: ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"],
        Resource: arn,
      },
    ]);
  });

  test("a queue and a secret", () => {
    expect(of("queue", "send")[0]?.Action).toEqual(["sqs:SendMessage"]);
    expect(of("secret", "get")[0]?.Action).toEqual(["secretsmanager:GetSecretValue"]);
  });

  test.each(["sql", "cache", "identity", "edge"] as const)("a %s needs none", (kind) => {
    expect(isGrantable(kind)).toBe(true);
    expect(of(kind, ...access[kind].verbs)).toEqual([]);
  });

  test("no action has a wildcard", () => {
    const actions = Object.values(grants)
      .flatMap((verbs) => Object.values(verbs).flat())
      .flatMap((grant) => grant.actions);
    expect(actions.length).toBeGreaterThan(10);
    expect(actions.filter((action) => !/^[a-z0-9]+:[A-Za-z]+$/.test(action))).toEqual([]);
  });
});

describe("what the platform needs", () => {
  test("is apart from the business, each broad statement with its reason", () => {
    const statements = platformStatements("arn:logs", true);
    for (const { Sid, Effect } of statements)
      if (Effect === "Allow") expect(broadByNecessity[Sid]).toMatch(/.{20}/);
    expect(statements.map(({ Sid }) => Sid)).toEqual([
      "Logs",
      "Traces",
      "NetworkInterfaces",
      "NotByCode",
    ]);
  });

  test("does not include interfaces outside a network", () => {
    expect(platformStatements("arn:logs", false).map(({ Sid }) => Sid)).toEqual(["Logs", "Traces"]);
  });
});
