#!lua flags=allow-oom
-- Has lanes looked at now whose hooks were changed: the gate may be that of the hook as it was,
-- which is void. A claim knows. A lane without a gate waits for nothing that the hook could change.
--
-- KEYS  gates lanes lanes-shut
-- ARGV  lane…
-- reply how many of them have a gate
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count = 0
for _, lane in ipairs(ARGV) do
    if redis.call('HEXISTS', KEYS[1], lane) == 1 then
        redis.call('ZADD', KEYS[2], 'XX', 'LT', now, lane)
        redis.call('ZADD', KEYS[3], 'XX', 'LT', now, lane)
        count = count + 1
    end
end
return count
