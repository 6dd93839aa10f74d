import { Problem } from "../../http/problem.ts";
import type { HttpHandler } from "../../ports/http.ts";
import { type HostOptions, hosted } from "../host.ts";
import { type HttpEvent, type HttpResult, toRequest, toResult } from "./events.ts";

/**
 * An HTTP workload as a Lambda function behind an HTTP API (payload format 2.0), a function URL or
 * a load balancer.
 * @example
 * export const handler = lambdaHttp(create(ports), { auth: "jwt", routes, verify });
 */
export function lambdaHttp(handler: HttpHandler, options: HostOptions) {
  const guarded = hosted(handler, options);
  return async (
    event: HttpEvent,
    { awsRequestId }: { readonly awsRequestId: string },
  ): Promise<HttpResult> => toResult(event, await answer(event, awsRequestId));

  function answer(event: HttpEvent, requestId: string): Response | Promise<Response> {
    let given: ReturnType<typeof toRequest>;
    try {
      given = toRequest(event, requestId);
    } catch {
      return new Problem("invalid").toResponse(requestId);
    }
    return guarded.fetch(given.request, given.context);
  }
}
