import { GraphQLError, NoSchemaIntrospectionCustomRule, parse } from "graphql";
import { createYoga, type Plugin } from "graphql-yoga";
import { createApp } from "../../runtime/http/app.ts";
import { Problem, reported } from "../../runtime/http/problem.ts";
import { errorCodes, type HttpContext } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { checkSize, queryLimits } from "./limits.ts";
import { resolversOf, scopeOf } from "./resolvers.ts";
import { schemaWith } from "./schema.ts";

/**
 * Orders and products over GraphQL: the domain code of REST, with its errors by their codes. Queries
 * are measured before anything is done with them. No introspection and no page of its own: what can
 * be asked stands in schema.ts.
 */
export function create(ports: PortsOf<"graphql">) {
  const yoga = createYoga<HttpContext>({
    schema: schemaWith(resolversOf(ports)),
    context: ({ claims }: HttpContext) => scopeOf(ports, claims),
    plugins: [measured, coded],
    maskedErrors: { maskError },
    fetchAPI: { fetch, Request, Response, Headers, URL, URLSearchParams, TextEncoder, TextDecoder },
    // Documents are a client's own: what is remembered of them would be as well.
    parserAndValidationCache: false,
    batching: false,
    multipart: false,
    graphiql: false,
    landingPage: false,
    // The edge's.
    cors: false,
    logging: false,
  });
  return createApp().on(["GET", "POST"], "/graphql", (c) => yoga.fetch(c.req.raw, c.env));
}

/** Refuses what asks for too much, before it is validated, which takes time of its own. */
const measured: Plugin = {
  onParse({ setParseFn }) {
    setParseFn((source: string) => {
      try {
        if (source.length > queryLimits.characters)
          throw new Problem("invalid", {
            detail: `The query is longer than ${queryLimits.characters} characters.`,
          });
        const document = parse(source, { maxTokens: queryLimits.tokens });
        checkSize(document);
        return document;
      } catch (error) {
        throw error instanceof GraphQLError ? error : asError(reported(error));
      }
    });
  },
  onValidate({ addValidationRule }) {
    addValidationRule(NoSchemaIntrospectionCustomRule);
  },
};

/** Errors of GraphQL itself are the client's, and have codes of their own. */
const coded: Plugin = {
  onResultProcess({ result, setResult }) {
    if (Array.isArray(result) || !("errors" in result) || !result.errors) return;
    const errors = result.errors.map((error) => {
      const { code } = error.extensions ?? {};
      if (codes.includes(String(code))) return error;
      const isOurs = code === "INTERNAL_SERVER_ERROR";
      return new GraphQLError(error.message, {
        ...error,
        extensions: { ...error.extensions, code: isOurs ? "internal" : "invalid" },
      });
    });
    setResult({ ...result, errors });
  },
};
const codes: readonly string[] = [...errorCodes, "internal"];

const asError = ({ code, message, errors }: Problem, from?: GraphQLError): GraphQLError =>
  new GraphQLError(message, {
    ...(from && { nodes: from.nodes, path: from.path, positions: from.positions }),
    extensions: { code, ...(errors && { errors }) },
  });

/** What was thrown by its code; what nobody foresaw is logged, and says nothing of the inside. */
function maskError(error: unknown): Error {
  if (!(error instanceof GraphQLError)) return asError(reported(error));
  const thrown = thrownIn(error);
  return thrown ? asError(reported(thrown), error) : error;
}

/** What is not GraphQL's own, where it wrapped it. */
const thrownIn = ({ originalError }: GraphQLError): Error | undefined =>
  originalError instanceof GraphQLError ? thrownIn(originalError) : originalError;
