#!lua flags=allow-oom
-- Removes dead letters.
--
-- KEYS  dead dead-by-room dead-bytes
-- ARGV  ids of letters
-- reply 1 or 0 for each: whether it was there
local dead, by_room, dead_bytes = KEYS[1], KEYS[2], KEYS[3]
--include letters
local results = {}
for i, id in ipairs(ARGV) do
    local before = dropped
    drop_letter(id)
    results[i] = dropped - before
end
return results
