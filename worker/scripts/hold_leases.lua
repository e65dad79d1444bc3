#!lua flags=allow-oom
-- Makes leases last longer whose outcomes are there and cannot be stored yet, so that nobody else
-- attempts these deliveries meanwhile.
--
-- KEYS  retries deliveries
-- ARGV  lease_ms, then per delivery: delivery_id fence
-- reply how many are held
local retries, deliveries = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = 0
for i = 2, #ARGV, 2 do
    local id, fence = ARGV[i], ARGV[i + 1]
    local record = redis.call('HGET', deliveries, id)
    if record and string.sub(record, 1, #fence + 1) == fence .. ' ' then
        redis.call('ZADD', retries, now + tonumber(ARGV[1]), id)
        held = held + 1
    end
end
return held
