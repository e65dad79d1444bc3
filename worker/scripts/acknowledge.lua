#!lua flags=allow-oom
-- Acknowledges and deletes entries that leave nothing behind. Needs no fence: they were delivered,
-- their present holder. A script and not MULTI: a full Redis refuses everything inside MULTI.
--
-- KEYS  events meta
-- ARGV  group id…
-- reply {0} when all of them were there, else {0, {}, {}, 1 or 0 per entry}
--       0: it was settled or deleted before
if not redis.acl_check_cmd('XDEL', KEYS[1], ARGV[2]) then -- else it would be acknowledged, and stay
    return redis.error_reply("NOPERM the user may not XDEL " .. KEYS[1])
end
local acknowledged = redis.pcall('XACK', KEYS[1], ARGV[1], unpack(ARGV, 2))
if type(acknowledged) == 'table' then
    return redis.error_reply(acknowledged.err .. ': XACK ' .. KEYS[1])
end
local removed, out = 0, {0}
if acknowledged == #ARGV - 1 then
    removed = redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
else
    out = {0, {}, {}}
    for at = 2, #ARGV do
        out[at + 2] = redis.call('XDEL', KEYS[1], ARGV[at])
        removed = removed + out[at + 2]
    end
end
redis.pcall('HINCRBY', KEYS[2], 'removed', removed) -- never a reason to fail
return out
