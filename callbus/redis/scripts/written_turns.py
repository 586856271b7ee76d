"""Written conversations: their messages, and their ends."""

from callbus.redis.scripts.refusals import REFUSALS

TAKE = (
    REFUSALS
    + """
-- A written message, behind those of its conversation, and the opening before it if there is one. Nothing else is
-- evicted for it: while the stream is full it is not taken. A name of a message that was taken stands for its number.
-- A phone call goes on under its id alone.
-- KEYS: conversation, message, stream, written conversations by when they will have been idle for too long, live calls
-- ARGV: the number that was expected (empty for a new conversation), stream bound, seconds to remember the message,
--       seconds to keep the conversation, after how many idle seconds it ends, call id, opening or empty, message,
--       opened at, agent, queue, channel, what the message says as a digest
local kinds = {[KEYS[1]] = 'hash', [KEYS[2]] = 'string', [KEYS[3]] = 'stream', [KEYS[4]] = 'zset'}
kinds[KEYS[5]] = 'hash'
local fault = stranger(kinds)
if fault then return fault end
local taken = redis.call('GET', KEYS[2])
if taken then
  local number, said = string.match(taken, '^(%d+) ?(%x*)$')
  local same = said == nil or said == '' or said == ARGV[13]
  return {same and 'repeated' or 'other', tonumber(number or 0)}
end
local number = redis.call('HGET', KEYS[1], 'next') or ''
if number ~= ARGV[1] then return {'moved', 0} end
if number == '' and redis.call('HEXISTS', KEYS[5], ARGV[6]) == 1 and not redis.call('ZSCORE', KEYS[4], ARGV[6]) then
  return {'phone', 0}
end
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[2]) then return {'full', 0} end
number = tonumber(number) or 0
if ARGV[7] ~= '' then redis.call('XADD', KEYS[3], '*', 'm', ARGV[7]) end
redis.call('XADD', KEYS[3], '*', 'm', ARGV[8])
redis.call('SET', KEYS[2], number .. ' ' .. ARGV[13], 'EX', ARGV[3])
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
