/**
 * Settings of every client: three tries with backoff, 1 s to connect, 3 s for an answer, so that
 * a request fails in time for its caller (an HTTP API gives up after 30 s). Region, credentials
 * and AWS_ENDPOINT_URL come from the environment, as the SDK reads it.
 * @param requestTimeout in milliseconds, where a service answers more slowly. Default: 3,000
 */
export const clientSettings = (requestTimeout = 3_000) => ({
  maxAttempts: 3,
  retryMode: "standard",
  requestHandler: { connectionTimeout: 1_000, requestTimeout, throwOnRequestTimeout: true },
});

/** Makes a client at its first use, and once. */
export function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
