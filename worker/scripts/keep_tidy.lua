#!lua flags=allow-oom
-- Deletes kept events that are too old, also when nothing is kept any more, a thousand at a time:
-- Redis would need most of a second to delete a large hash when it expires.
--
-- KEYS  delivered delivered-documents
-- reply 1: done, 0: to be sent again
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then
    return 1
end
--include kept

local keep_ms = tonumber(head[2] or nil)
if not keep_ms then
    return 1 -- no worker kept it
end
local enough = forget_old(keep_ms, math.huge)
if total > 0 then
    redis.call('HSET', documents, '*', string.format('%.0f', total))
end
return enough and 1 or 0
