#!lua
-- A step of a task that sends delivered events again: they and the task's progress change together,
-- and only while its lease is the caller's. Not allow-oom: what it adds must respect maxmemory.
--
-- KEYS  delivered delivered-documents room events tasks
-- ARGV  first and last entry that is meant, as XRANGE takes them; room; hook ('': each); entries to
--       look at, at most; deliveries after which it stops; the task's id and fence
-- reply the task's record, or '' when it is not the caller's (any more)
local delivered, documents, room, events, tasks = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local ROOM, HOOK, PAGE, MOST = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
--include resend
--include task

local task = read_task(ARGV[7], ARGV[8])
if not task then
    return ''
end
local last = resend_page(ARGV[1], ARGV[2])
local cursor = last == '' and ARGV[1] or '(' .. last
advance_task(task, cursor, last == '', count.deliveries, count.gone + count.removed,
             count.unreadable)
return store_task(ARGV[7], task)
