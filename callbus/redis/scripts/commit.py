"""The outcome of an event, in one step."""

from callbus.redis.scripts.refusals import REFUSALS

COMMIT = (
    REFUSALS
    + """
-- The outcome of an event: publications, the call's state, the acknowledgement. Refused (false) if another worker
-- holds the partition or has held it since. What fails halfway goes on where it stopped: the call's latest commit is
-- then the entry and how many of its publications are in their streams.
-- KEYS: lease, latest holder, fork stream, call state, latest commit of the call, live calls, written conversations by
--       when they will have been idle for too long
-- ARGV: worker, lease ms, group, entry id, retention s, state verb, state, state s, alert id s, after how many idle
--       seconds the call ends (empty for a phone call), then for each publication: channel, payload, once-key, live
--       verb, live field
local kinds = {[KEYS[3]] = 'stream', [KEYS[4]] = 'string', [KEYS[5]] = 'string', [KEYS[6]] = 'hash'}
kinds[KEYS[7]] = 'zset'
local commands = {
  {'SET', KEYS[4], ''}, {'SET', KEYS[5], ''}, {'XACK', KEYS[3], ARGV[3], ARGV[4]}, {'XDEL', KEYS[3], ARGV[4]},
}
for i = 11, #ARGV, 5 do
  if not kinds[ARGV[i]] then
    kinds[ARGV[i]] = 'stream'
    commands[#commands + 1] = {'XADD', ARGV[i], '*', 'm', ''}
    commands[#commands + 1] = {'EXPIRE', ARGV[i], '1'}
    commands[#commands + 1] = {'PUBLISH', ARGV[i], ''}
  end
  if ARGV[i + 2] ~= '' then commands[#commands + 1] = {'SET', ARGV[i + 2], ''} end
  if ARGV[i + 3] ~= '' then commands[#commands + 1] = {'HSET', KEYS[6], '', ''} end
  if ARGV[10] ~= '' then commands[#commands + 1] = {'ZADD', KEYS[7], '0', ''} end
end
local fault = stranger(kinds) or denied(commands)
if fault then return fault end
local owner = redis.call('GET', KEYS[1])
if owner ~= ARGV[1] then
  local holder = redis.call('GET', KEYS[2])
  if owner or (holder and holder ~= ARGV[1]) then return false end
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  redis.call('SET', KEYS[2], ARGV[1])
end
local function place(id)
  local dash = string.find(id, '-', 1, true)
  return tonumber(string.sub(id, 1, dash - 1)), tonumber(string.sub(id, dash + 1))
end
local heard = {}
local last, part = redis.call('GET', KEYS[5]), ''
if last then last, part = string.match(last, '^(%S+) ?(%d*)$') end
local again = last == ARGV[4]
local written = again and (tonumber(part) or #ARGV) or 0
if last and not again then  -- read again much later: the call has moved on, or is over
  local last_ms, last_number = place(last)
  local ms, number = place(ARGV[4])
  if ms < last_ms or (ms == last_ms and number < last_number) then
    for i = 11, #ARGV, 5 do heard[#heard + 1] = -1 end
    redis.call('XACK', KEYS[3], ARGV[3], ARGV[4])
    redis.call('XDEL', KEYS[3], ARGV[4])
    return heard
  end
end
local ids, number = {}, 0
for i = 11, #ARGV, 5 do
  local channel, payload, once = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  number = number + 1
  if number > written and (once == '' or redis.call('SET', once, '1', 'NX', 'EX', ARGV[9])) then
    local id = redis.pcall('XADD', channel, '*', 'm', payload)
    if type(id) == 'table' and id.err then
      if once ~= '' then redis.call('DEL', once) end
      redis.call('SET', KEYS[5], ARGV[4] .. ' ' .. (number - 1), 'EX', ARGV[9])
      return id
    end
    ids[number] = id
    redis.call('EXPIRE', channel, ARGV[5])
  end
  if ARGV[i + 3] == 'set' then redis.call('HSET', KEYS[6], ARGV[i + 4], payload) end
  if ARGV[i + 3] == 'remove' then redis.call('HDEL', KEYS[6], ARGV[i + 4]) end
  if ARGV[10] ~= '' and ARGV[i + 3] == 'set' then
    redis.call('ZADD', KEYS[7], redis.call('TIME')[1] + ARGV[10], ARGV[i + 4])
  end
  if ARGV[10] ~= '' and ARGV[i + 3] == 'remove' then redis.call('ZREM', KEYS[7], ARGV[i + 4]) end
end
redis.call('SET', KEYS[5], ARGV[4] .. ' ' .. number, 'EX', ARGV[9])
if ARGV[6] == 'set' then redis.call('SET', KEYS[4], ARGV[7], 'EX', ARGV[8]) end
redis.call('SET', KEYS[5], ARGV[4], 'EX', ARGV[9])
number = 0
for i = 11, #ARGV, 5 do
  number = number + 1
  local payload = ARGV[i + 1]
  heard[number] = ids[number]
    and redis.call('PUBLISH', ARGV[i], '{"stream_id":"' .. ids[number] .. '",' .. string.sub(payload, 2)) or -1
end
redis.call('XACK', KEYS[3], ARGV[3], ARGV[4])
redis.call('XDEL', KEYS[3], ARGV[4])
return heard
"""
)
