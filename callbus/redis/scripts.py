"""Lua scripts that Redis runs atomically. They use Redis' own clock, since hosts' clocks differ.

Each script is idempotent: its answer may be lost after the work was done, and then it runs again.
"""

_CHECKED = """
-- Refuses before any change if a key of the wrong type is in the way, so that no work is half done.
local function stranger(kinds)
  for key, kind in pairs(kinds) do
    local found = redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= kind then
      return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. found .. ', not a ' .. kind)
    end
  end
end
-- The same if our user may not run one of these commands. Before Redis 7 that cannot be asked.
local function denied(commands)
  if not redis.acl_check_cmd then return end
  for _, command in ipairs(commands) do
    if not redis.acl_check_cmd(unpack(command)) then
      return redis.error_reply('NOPERM our user may not run ' .. command[1] .. ' on ' .. command[2])
    end
  end
end
"""

WRITE = (
    _CHECKED
    + """
-- A bridge's batch of fork events. Beyond a stream's bound the oldest audio is evicted; openings, health and
-- closings only beyond four times the bound, when no audio is left.
-- KEYS: the bridge's latest batch, the bridge's calls, where each stream's oldest audio may be; then the streams
-- ARGV: batch, seconds to remember it, stream bound; then for each event: index of its stream, payload,
--       'audio' or '', call verb ('open', 'close' or ''), call id, opened at
local kinds = {[KEYS[1]] = 'string', [KEYS[2]] = 'hash', [KEYS[3]] = 'hash'}
for i = 4, #KEYS do kinds[KEYS[i]] = 'stream' end
local fault = stranger(kinds)
if fault then return fault end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
local bound = tonumber(ARGV[3])
local gone = 0

local function make_room(stream)
  local from = redis.call('HGET', KEYS[3], stream) or '-'
  for _ = 1, 4 * bound do
    local found = redis.call('XRANGE', stream, from, '+', 'COUNT', 1)[1]
    if not found then break end
    from = '(' .. found[1]
    if found[2][3] then
      redis.call('XDEL', stream, found[1])
      redis.call('HSET', KEYS[3], stream, from)
      return true
    end
  end
  redis.call('HSET', KEYS[3], stream, from)
  if redis.call('XLEN', stream) <= 4 * bound then return false end
  redis.call('XTRIM', stream, 'MAXLEN', '=', 4 * bound)
  return false
end

for i = 4, #ARGV, 6 do
  local stream = KEYS[3 + ARGV[i]]
  if ARGV[i + 2] == 'audio' then
    redis.call('XADD', stream, '*', 'm', ARGV[i + 1], 'a', '')
  else
    redis.call('XADD', stream, '*', 'm', ARGV[i + 1])
  end
  if redis.call('XLEN', stream) > bound and make_room(stream) then gone = gone + 1 end
  if ARGV[i + 3] == 'open' then redis.call('HSET', KEYS[2], ARGV[i + 4], ARGV[i + 5]) end
  if ARGV[i + 3] == 'close' then redis.call('HDEL', KEYS[2], ARGV[i + 4]) end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return gone
"""
)

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

BALANCE = """
-- A worker is alive: it renews what it holds, gives back what exceeds its share, and takes free partitions up to it.
-- A Redis without data may have come back empty: for a while only earlier holders get their partitions back.
-- KEYS: workers, the beginning, then each partition's lease, then each partition's latest holder
-- ARGV: worker, lease ms, settling ms, partitions, then the partitions the worker believes it holds
-- Returns those it holds now, and those of them that another worker held before.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local worker, lease, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
redis.call('ZADD', KEYS[1], now, worker)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - lease))
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')
local share = math.ceil(count / redis.call('ZCARD', KEYS[1]))
redis.call('SET', KEYS[2], string.format('%.0f', now), 'NX')
local beginning = tonumber(redis.call('GET', KEYS[2]))
if beginning > now then  -- the clock has gone back, or another server took over
  beginning = now
  redis.call('SET', KEYS[2], string.format('%.0f', now))
end
local settled = now - beginning >= tonumber(ARGV[3])
local believed, held, new = {}, {}, {}
for i = 5, #ARGV do believed[tonumber(ARGV[i])] = true end

local function take(partition)
  local holder = redis.call('GET', KEYS[2 + count + partition + 1])
  redis.call('SET', KEYS[2 + partition + 1], worker, 'PX', lease)
  redis.call('SET', KEYS[2 + count + partition + 1], worker)
  if holder ~= worker and (holder or not believed[partition]) then new[#new + 1] = partition end
  held[#held + 1] = partition
end

local free = {}
for partition = 0, count - 1 do
  local owner = redis.call('GET', KEYS[2 + partition + 1])
  if owner == worker and #held >= share then
    redis.call('DEL', KEYS[2 + partition + 1])
  elseif owner == worker or (not owner and believed[partition] and #held < share) then
    take(partition)
  elseif not owner then
    free[#free + 1] = partition
  end
end
if settled then
  for _, partition in ipairs(free) do
    if #held < share then take(partition) end
  end
end
return {held, new}
"""

COMMIT = (
    _CHECKED
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

TAKE = (
    _CHECKED
    + """
-- A written message, behind those of its conversation, and the opening before it if there is one. Nothing else is
-- evicted for it: while the stream is full it is not taken. A name of a message that was taken stands for its number.
-- KEYS: conversation, message, stream, written conversations by when they will have been idle for too long
-- ARGV: the number that was expected (empty for a new conversation), stream bound, seconds to remember the message,
--       seconds to keep the conversation, after how many idle seconds it ends, call id, opening or empty, message,
--       opened at, agent, queue, channel
local kinds = {[KEYS[1]] = 'hash', [KEYS[2]] = 'string', [KEYS[3]] = 'stream', [KEYS[4]] = 'zset'}
local fault = stranger(kinds)
if fault then return fault end
local taken = redis.call('GET', KEYS[2])
if taken then return {'repeated', tonumber(taken)} end
local number = redis.call('HGET', KEYS[1], 'next') or ''
if number ~= ARGV[1] then return {'moved', 0} end
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[2]) then return {'full', 0} end
number = tonumber(number) or 0
if ARGV[7] ~= '' then redis.call('XADD', KEYS[3], '*', 'm', ARGV[7]) end
redis.call('XADD', KEYS[3], '*', 'm', ARGV[8])
redis.call('SET', KEYS[2], number, 'EX', ARGV[3])
redis.call('HSET', KEYS[1], 'next', number + 1, 'opened_at', ARGV[9], 'agent', ARGV[10], 'queue', ARGV[11],
  'channel', ARGV[12])
redis.call('HDEL', KEYS[1], 'closed_at')
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[4], 'XX', redis.call('TIME')[1] + ARGV[5], ARGV[6])
return {'taken', number}
"""
)

FINISH = """
-- A written conversation ends; the next message opens it anew. KEYS: conversation, stream; ARGV: closed at, closing
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HSETNX', KEYS[1], 'closed_at', ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'm', ARGV[2])
return 1
"""

IDLE = """
-- Nobody has written in a conversation for its time: it ends, unless somebody has written since it was looked at.
-- KEYS: written conversations by when they will have been idle for too long, conversation, stream
-- ARGV: call id, closing (empty if no reader would accept it)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) > tonumber(redis.call('TIME')[1]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[2], 'closed_at', redis.call('TIME')[1]) end
if ARGV[2] ~= '' then redis.call('XADD', KEYS[3], '*', 'm', ARGV[2]) end
return 1
"""

BURY = (
    _CHECKED
    + """
-- An unreadable entry leaves its stream; its first bytes are kept for inspection.
-- KEYS: stream, dead letters; ARGV: group, entry id, most letters, seconds to keep them, reason, error, beginning
local fault = stranger({[KEYS[2]] = 'stream'})
if fault then return fault end
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], '*', 'reason', ARGV[5], 'error', ARGV[6], 'begin', ARGV[7])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
"""
)

FORGET = """
-- A worker with nothing pending leaves a stream's group. Removing it would also remove what it has pending.
-- KEYS: stream; ARGV: group, worker
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
"""

RELEASE = """
-- KEYS: workers, leases...; ARGV: worker
for i = 2, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
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

OVERLOADED = """
-- A worker is overloaded, for as long as its word holds, or is not any more.
-- KEYS: overloaded workers, by when their word ends; ARGV: worker, ms that it holds, 1 or 0
if ARGV[3] == '0' then return redis.call('ZREM', KEYS[1], ARGV[1]) end
local clock = redis.call('TIME')
local ends = clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[2]
redis.call('ZADD', KEYS[1], string.format('%.0f', ends), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

OVERLOADS = """
-- How many workers live, and how many of them are overloaded.
-- KEYS: workers, by when they were heard; overloaded workers, by when their word ends; ARGV: lease ms, how long a word
-- holds in ms. One that would hold for longer is not a worker's, or the clock has gone back.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local overloaded = 0
local holding, furthest = string.format('(%.0f', now), string.format('%.0f', now + ARGV[2])
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], holding, furthest)) do
  local heard = redis.call('ZSCORE', KEYS[1], worker)
  if heard and tonumber(heard) >= now - ARGV[1] then overloaded = overloaded + 1 end
end
return {redis.call('ZCOUNT', KEYS[1], string.format('%.0f', now - ARGV[1]), '+inf'), overloaded}
"""
