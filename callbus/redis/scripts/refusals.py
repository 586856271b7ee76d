"""What a script asks before it changes anything."""

REFUSALS = """
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
