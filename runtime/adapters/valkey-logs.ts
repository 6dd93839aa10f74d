import type { Redis } from "ioredis";
import type { Logs, Place } from "./cache-logs.ts";

/**
 * A log is a stream whose ids are the log's epoch and the entry's number. An empty one begins with
 * an entry 0 that is removed again, of which the stream keeps the id.
 */
const begin = `
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XADD', KEYS[1], ARGV[1] .. '-0', 'v', '')
  redis.call('XDEL', KEYS[1], ARGV[1] .. '-0')
end
local function last()
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return string.match(info[i + 1], '^(%d+)%-(%d+)$') end
  end
end
local epoch, number = last()
redis.call('EXPIRE', KEYS[1], ARGV[2])`;

const appendScript = `${begin}
local id = epoch .. '-' .. string.format('%.0f', tonumber(number) + 1)
return redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[3], id, 'v', ARGV[4])`;

const sinceScript = `${begin}
local entries = {}
if ARGV[3] ~= '' then
  local from = '-'
  if ARGV[3] == epoch then from = epoch .. '-' .. string.format('%.0f', tonumber(ARGV[4]) + 1) end
  entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[5])
end
return { epoch .. '-' .. number, entries }`;

/** The logs of a cache by the Redis protocol. */
export const valkeyLogs = (
  on: <T>(command: (client: Redis) => Promise<T>) => Promise<T>,
  keyOf: (log: string) => string,
): Logs => ({
  append: (log, text, epoch, { keep, ttlSeconds }) =>
    on(async (client) =>
      placeOf(await client.eval(appendScript, 1, keyOf(log), epoch, ttlSeconds, keep, text)),
    ),
  since: (log, epoch, { after, limit, ttlSeconds }) =>
    on(async (client) => {
      const from = after ? [after.epoch, after.number, limit] : ["", "", ""];
      const [end, entries] = (await client.eval(
        sinceScript,
        1,
        keyOf(log),
        epoch,
        ttlSeconds,
        ...from,
      )) as [string, [id: string, fields: string[]][]];
      return {
        end: placeOf(end),
        entries: entries.map(([id, [, text = ""]]) => ({ number: placeOf(id).number, text })),
      };
    }),
});

function placeOf(id: unknown): Place {
  const [epoch, number] = String(id).split("-").map(Number);
  return { epoch: epoch ?? 0, number: number ?? 0 };
}
