#!lua flags=allow-oom
-- Removes keys that are not of their type: nothing of the queue is in there, and whatever can be
-- made again is, by heal.lua.
--
-- KEYS  any of the queue
-- ARGV  the type of each
-- reply the keys that were removed
local removed = {}
for i, key in ipairs(KEYS) do
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'none' and kind ~= ARGV[i] then
        redis.call('DEL', key)
        removed[#removed + 1] = key
    end
end
return removed
