"""Which worker reads which partition, and which workers are overloaded."""

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

RELEASE = """
-- KEYS: workers, leases...; ARGV: worker
for i = 2, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
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
