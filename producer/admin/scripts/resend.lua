#!lua
-- Adds delivered events of a room to the events once more, or counts them: one entry for each hook
-- that took one, as a replay does. Not allow-oom: what it adds must respect maxmemory.
--
-- KEYS  delivered delivered-documents room events
-- ARGV  first and last entry that is meant, as XRANGE takes them; room; hook ('': each); entries to
--       look at, at most; deliveries after which it stops, 0: only count
-- reply {last entry that was looked at, '' when there are no more; events; deliveries; gone;
--        removed; unreadable}
--       events, deliveries: sent again, or to be; gone: deliveries whose document is not kept any
--       more; removed: deliveries to hooks that the room has not now; unreadable: entries and
--       documents that no worker wrote
local delivered, documents, room, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ROOM, HOOK, PAGE, MOST = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
--include resend

local last = resend_page(ARGV[1], ARGV[2])
return {last, count.events, count.deliveries, count.gone, count.removed, count.unreadable}
