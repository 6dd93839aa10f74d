import type { HttpContext } from "../../ports/http.ts";

/** Amazon API Gateway HTTP API, payload format 2.0 (and Lambda function URLs). */
export interface V2Event {
  readonly rawPath: string;
  readonly rawQueryString?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly cookies?: readonly string[];
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly requestContext: {
    readonly requestId?: string;
    readonly domainName?: string;
    readonly http: { readonly method: string; readonly sourceIp?: string };
  };
}

/** Application Load Balancer, with or without multi-value headers on its target group. */
export interface AlbEvent {
  readonly httpMethod: string;
  readonly path: string;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
  readonly multiValueQueryStringParameters?: Readonly<Record<string, readonly string[]>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | undefined>>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly requestContext: { readonly elb: unknown };
}

export type HttpEvent = V2Event | AlbEvent;

export interface HttpResult {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly cookies?: readonly string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** What both shapes say. Headers as name and value; the path fit for a URL. */
interface Parts {
  readonly method: string;
  readonly path: string;
  readonly rawPath: string;
  readonly query: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly host: string | undefined;
  readonly requestId: string | undefined;
  readonly clientIp: string | undefined;
}

const isAlb = (event: HttpEvent): event is AlbEvent => "elb" in event.requestContext;

/**
 * An event as a web request, its body byte for byte.
 * @param fallbackId where the event has no request id
 * @throws {TypeError} for a method, host or header that no request can have
 */
export function toRequest(
  event: HttpEvent,
  fallbackId: string,
): { readonly request: Request; readonly context: HttpContext } {
  const parts = isAlb(event) ? albParts(event) : v2Parts(event);
  const headers = new Headers();
  for (const [name, value] of parts.headers) headers.append(name, byteString(value));
  const bytes = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  // The body is here as a whole: its real length, whatever the client said.
  headers.delete("transfer-encoding");
  if (bytes.length > 0 || headers.has("content-length"))
    headers.set("content-length", String(bytes.length));
  const bodiless = parts.method === "GET" || parts.method === "HEAD";
  const search = parts.query && `?${parts.query}`;
  return {
    request: new Request(
      `https://${hostOf(parts.host)}${parts.path}${search.replaceAll("#", "%23")}`,
      {
        method: parts.method,
        headers,
        body: bodiless || event.body === undefined ? undefined : bytes,
      },
    ),
    context: {
      requestId: parts.requestId ?? fallbackId,
      clientIp: parts.clientIp,
      target: parts.rawPath + search,
    },
  };
}

function v2Parts(event: V2Event): Parts {
  const { http, requestId, domainName } = event.requestContext;
  const headers = Object.entries(event.headers ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  if (event.cookies?.length) headers.push(["cookie", event.cookies.join("; ")]);
  return {
    method: http.method,
    // An HTTP API hands over the path decoded: what would end a path is escaped again.
    path: escapePath(event.rawPath.replace(/%(?![\dA-Fa-f]{2})/g, "%25")),
    rawPath: event.rawPath,
    query: event.rawQueryString ?? "",
    headers,
    host: domainName ?? find(headers, "host"),
    requestId,
    clientIp: http.sourceIp,
  };
}

function albParts(event: AlbEvent): Parts {
  const headers = event.multiValueHeaders
    ? Object.entries(event.multiValueHeaders).flatMap(([name, values]) =>
        name.toLowerCase() === "cookie"
          ? [[name, (values ?? []).join("; ")] as const]
          : (values ?? []).map((value) => [name, value] as const),
      )
    : Object.entries(event.headers ?? {}).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value] as const],
      );
  // A load balancer leaves path and query encoded, but takes the query apart.
  const query = event.multiValueQueryStringParameters
    ? Object.entries(event.multiValueQueryStringParameters).flatMap(([name, values]) =>
        values.map((value) => `${name}=${value}`),
      )
    : Object.entries(event.queryStringParameters ?? {}).map(([name, value]) => `${name}=${value}`);
  const trace = find(headers, "x-amzn-trace-id");
  return {
    method: event.httpMethod,
    path: escapePath(event.path),
    rawPath: event.path,
    query: query.join("&"),
    headers,
    host: find(headers, "host"),
    requestId: trace !== undefined && /^[\w=;:.-]{1,200}$/.test(trace) ? trace : undefined,
    // The last address is the one that the load balancer itself saw.
    clientIp: find(headers, "x-forwarded-for")?.split(",").at(-1)?.trim(),
  };
}

const find = (headers: readonly (readonly [string, string])[], name: string) =>
  headers.findLast(([key]) => key.toLowerCase() === name)?.[1];

/** Characters that would end or bend the path of a URL. */
const escapePath = (path: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: URLs drop tabs and line ends silently
  path.replace(/[?#\\\u0000-\u0020\u007f]/g, encodeURIComponent);

/** Header values are bytes: text beyond Latin-1 goes as the UTF-8 that the client sent. */
const byteString = (value: string): string =>
  /[\u0100-\uffff]/.test(value) ? Buffer.from(value, "utf8").toString("latin1") : value;

/** Only a name and a port: anything else in a Host header could move the path. */
function hostOf(host = "localhost"): string {
  if (/^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/.test(host)) return host;
  throw new TypeError("Host header is no host");
}

/** A web answer in the shape that the event's source reads; binary where it is not UTF-8 text. */
export async function toResult(event: HttpEvent, response: Response): Promise<HttpResult> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = textOf(response.headers, bytes);
  const common = {
    statusCode: response.status,
    body: text ?? bytes.toString("base64"),
    isBase64Encoded: text === undefined,
  };
  const cookies = response.headers.getSetCookie();
  const rest = [...response.headers].filter(([name]) => name !== "set-cookie");
  if (!isAlb(event)) return { ...common, headers: Object.fromEntries(rest), cookies };
  if (!event.multiValueHeaders)
    // Without multi-value headers a load balancer passes one value a name: the last cookie wins.
    return {
      ...common,
      headers: Object.fromEntries([...rest, ...cookies.map((value) => ["set-cookie", value])]),
    };
  const many: [string, string[]][] = rest.map(([name, value]) => [name, [value]]);
  if (cookies.length > 0) many.push(["set-cookie", cookies]);
  return { ...common, multiValueHeaders: Object.fromEntries(many) };
}

const textual = /^(?:text\/|application\/(?:[\w.+-]+\+)?(?:json|xml)\b|application\/javascript\b)/;

function textOf(headers: Headers, bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "";
  if (headers.has("content-encoding")) return undefined;
  if (!textual.test(headers.get("content-type") ?? "")) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
