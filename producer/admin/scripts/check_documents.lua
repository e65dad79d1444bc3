#!lua flags=no-writes
-- Which of these documents nobody holds any more, or is held for a delivery that does not wait. All
-- of it changes in one script, so each is wrong when it is seen.
--
-- KEYS  documents deliveries, then holders:<stream id> of each
-- ARGV  stream ids
-- reply {stream id or delivery id …}
local documents, deliveries = KEYS[1], KEYS[2]
local FIRST = 2
--include ask
local out = {}

local function check(stream, holders)
    local held = ask('SMEMBERS', holders)
    if redis.call('HEXISTS', documents, stream) == 0 then
        return
    elseif not held or #held == 0 then
        out[#out + 1] = stream
        return
    end
    for _, id in ipairs(held) do
        if not string.find(id, '^%-%d') and redis.call('HEXISTS', deliveries, id) == 0 then
            out[#out + 1] = id
        end
    end
end

for i, stream in ipairs(ARGV) do
    check(stream, KEYS[FIRST + i])
end
return out
