#!lua
-- Moves dead letters back to the events. Not allow-oom: what it adds must respect maxmemory.
--
-- KEYS  dead events dead-by-room dead-bytes
-- ARGV  bytes kept of a document that was too large, ids of dead letters
-- reply for each its new stream id, or '' when it is not there (any more), or an error's words
local dead, events, by_room, dead_bytes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local kept = tonumber(ARGV[1])
--include letters
--include replay

local results = {}
for i = 2, #ARGV do
    results[i - 1] = replay(ARGV[i])
end
return results
