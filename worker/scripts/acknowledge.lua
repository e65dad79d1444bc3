#!lua flags=allow-oom
-- Acknowledges and deletes entries that leave nothing behind. Needs no fence: they were delivered,
-- whoever holds them now. A script and not MULTI: a full Redis refuses everything inside MULTI.
--
-- KEYS  events meta
-- ARGV  group id…
-- reply {0}
if not redis.acl_check_cmd('XDEL', KEYS[1], ARGV[2]) then -- else it would be acknowledged, and stay
    return redis.error_reply("NOPERM the user may not XDEL " .. KEYS[1])
end
local acknowledged = redis.pcall('XACK', KEYS[1], ARGV[1], unpack(ARGV, 2))
if type(acknowledged) == 'table' then
    return redis.error_reply(acknowledged.err .. ': XACK ' .. KEYS[1])
end
local removed = redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
redis.pcall('HINCRBY', KEYS[2], 'removed', removed) -- never a reason to fail
return {0}
