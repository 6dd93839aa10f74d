import { expect, test } from "vitest";
import { RecentRequests } from "../../../local/gateway/requests.ts";

const record = (id: string) => ({ id, at: 0, method: "GET", path: "/", status: 200, ms: 1 });

test("keeps the last requests, the newest first, and counts all", () => {
  const requests = new RecentRequests(3);
  for (const id of ["a", "b", "c", "d", "e"]) requests.add(record(id));
  expect(requests.list().map(({ id }) => id)).toEqual(["e", "d", "c"]);
  expect(requests.total).toBe(5);
});

test("lists fewer while there are fewer", () => {
  const requests = new RecentRequests(3);
  requests.add(record("a"));
  requests.add(record("b"));
  expect(requests.list().map(({ id }) => id)).toEqual(["b", "a"]);
});
