#!lua flags=allow-oom
-- Counts a run of an entry alone in its process before it begins: a later reader of the count knows
-- how many of these runs did not end.
--
-- KEYS  events
-- ARGV  group consumer id
-- reply the claims counted so far, this one included; 0 when the entry is not ours
local events, group, me, id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local found = redis.pcall('XPENDING', events, group, id, id, 1)
if found.err then
    -- Stream or group were deleted, and the entry with them.
    assert(string.find(found.err, 'NOGROUP', 1, true), found.err)
    return 0
end
local pending = found[1]
if not pending or pending[2] ~= me then
    return 0
end
local count = pending[4] + 1
redis.call('XCLAIM', events, group, me, 0, id, 'RETRYCOUNT', count, 'JUSTID')
return count
