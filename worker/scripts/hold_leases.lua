#!lua flags=allow-oom
-- Makes leases last longer whose outcomes are there and cannot be stored yet, so that no other
-- worker attempts these deliveries meanwhile.
--
-- KEYS  leases, then lane:<lane> of each delivery
-- ARGV  lease_ms, then per delivery: delivery_id fence
-- reply how many are held
local leases = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = 0
for i = 2, #ARGV, 2 do
    local id, fence = ARGV[i], ARGV[i + 1]
    if string.sub(redis.call('HGET', leases, id) or '', 1, #fence + 1) == fence .. ' ' then
        redis.call('ZADD', KEYS[1 + i / 2], 'XX', now + tonumber(ARGV[1]), id)
        held = held + 1
    end
end
return held
