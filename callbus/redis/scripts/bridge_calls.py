"""Which bridges live, and which calls they hold."""

BEAT = """
-- A bridge is alive and holds these calls. Returns whether it was known to be alive.
-- KEYS: bridges, the bridge's calls; ARGV: bridge, seconds to remember its calls, then call id, opened at, ...
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
redis.call('DEL', KEYS[2])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
if #ARGV > 2 then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
return known and 1 or 0
"""

UNHELD = """
-- Calls on the board that no live bridge has held for a while: their ends were lost. No bridge holds what is written.
-- KEYS: live calls, bridges, since when each is unheld, written conversations; ARGV: patience s, key prefix of a
--       bridge's calls
local now = tonumber(redis.call('TIME')[1])
local held = {}
for _, bridge in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  for _, call in ipairs(redis.call('HKEYS', ARGV[2] .. bridge)) do held[call] = true end
end
local shown = {}
for _, call in ipairs(redis.call('HKEYS', KEYS[1])) do
  shown[call] = true
  if held[call] or redis.call('ZSCORE', KEYS[4], call) then
    redis.call('ZREM', KEYS[3], call)
  else
    redis.call('ZADD', KEYS[3], 'NX', now, call)
  end
end
for _, call in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  if not shown[call] then redis.call('ZREM', KEYS[3], call) end
end
return redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[1])
"""

ABSENT = """
-- Those of the calls that are neither live nor held by a bridge: Redis does not know them, or not any more.
-- KEYS: live calls, bridges; ARGV: key prefix of a bridge's calls, then the calls
local bridges = redis.call('ZRANGE', KEYS[2], 0, -1)
local function is_held(call)
  for _, bridge in ipairs(bridges) do
    if redis.call('HEXISTS', ARGV[1] .. bridge, call) == 1 then return true end
  end
  return false
end
local absent = {}
for i = 2, #ARGV do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 0 and not is_held(ARGV[i]) then absent[#absent + 1] = ARGV[i] end
end
return absent
"""
