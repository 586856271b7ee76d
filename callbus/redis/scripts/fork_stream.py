"""Fork events on their way from bridges to workers."""

from callbus.redis.scripts.refusals import REFUSALS

WRITE = (
    REFUSALS
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

BURY = (
    REFUSALS
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
