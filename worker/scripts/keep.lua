#!lua
-- Keeps documents of delivered events, so that they can be sent again, and deletes those that are
-- too old or too many: the oldest first. A full Redis refuses it (no allow-oom).
--
-- KEYS  delivered delivered-documents
-- ARGV  how long they are kept, ms; bytes that they may take; then per event
--         stream_id room hooks document
--       stream_id: padded; hooks: ids, with spaces between; document: its head, a newline, and the
--       document itself
-- reply 1: kept, 0: not all of what is to be deleted was, nothing was kept; to be sent again;
--       -1: not kept, it takes more than all may
local KEEP_MS, MAX = tonumber(ARGV[1]), tonumber(ARGV[2])
local FIRST, EACH = 3, 4
--include kept

local coming = 0
for i = FIRST, #ARGV, EACH do
    coming = coming + size_of(ARGV[i], ARGV[i + 1], ARGV[i + 2]) + #ARGV[i + 3] + OF_DOCUMENT
end
local fits = coming <= MAX -- else nothing is deleted for it
local enough = forget_old(KEEP_MS, fits and MAX - coming or MAX)
if enough and fits then
    for i = FIRST, #ARGV, EACH do
        local event, room, hooks = ARGV[i], ARGV[i + 1], ARGV[i + 2]
        local id = redis.call('XADD', delivered, '*', 'event', event, 'room', room, 'hooks', hooks)
        total = total + size_of(event, room, hooks)
        if redis.call('HSETNX', documents, event, ARGV[i + 3]) == 1 then
            total = total + #ARGV[i + 3] + OF_DOCUMENT
        else
            redis.call('HSET', documents, event .. ' last', id)
        end
    end
end
note_total(KEEP_MS)
return fits and (enough and 1 or 0) or -1
