"""The steps that Redis takes as one, in its own Lua."""

COMMIT = """
-- KEYS: lease, fork stream, call state, live calls
-- ARGV: worker, group, stream length, retention ms, state seconds, alert id seconds, state verb, state,
--       number of publications, then for each: channel, payload, once-key, live verb, live field; then entry ids
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
local heard = {}
local at = 10
local now = redis.call('TIME')
local oldest = string.format('%.0f', now[1] * 1000 - ARGV[4])
for i = 1, tonumber(ARGV[9]) do
  local channel, payload, once = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if once == '' or redis.call('SET', once, '1', 'NX', 'EX', ARGV[6]) then
    local id = redis.call('XADD', channel, 'MAXLEN', '~', ARGV[3], '*', 'm', payload)
    redis.call('XTRIM', channel, 'MINID', '~', oldest)
    heard[i] = redis.call('PUBLISH', channel, '{"stream_id":"' .. id .. '",' .. string.sub(payload, 2))
  else
    heard[i] = -1
  end
  if ARGV[at + 3] == 'set' then redis.call('HSET', KEYS[4], ARGV[at + 4], payload) end
  if ARGV[at + 3] == 'remove' then redis.call('HDEL', KEYS[4], ARGV[at + 4]) end
  at = at + 5
end
if ARGV[7] == 'set' then redis.call('SET', KEYS[3], ARGV[8], 'EX', ARGV[5]) end
for i = at, #ARGV do
  redis.call('XACK', KEYS[2], ARGV[2], ARGV[i])
  redis.call('XDEL', KEYS[2], ARGV[i])
end
return heard
"""

RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

RELEASE = """
-- KEYS: workers, leases...; ARGV: worker, and 'share' when it only gives some back
for i = 2, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
if #ARGV == 1 then redis.call('ZREM', KEYS[1], ARGV[1]) end
return 1
"""
