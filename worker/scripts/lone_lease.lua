#!lua flags=allow-oom
-- Gives a suspect delivery a whole new lease, because it is about to be run alone and may have
-- waited long for that.
--
-- KEYS  retries deliveries
-- ARGV  delivery_id fence lease_ms
-- reply 1, or 0 when the lease has passed to another worker
local id, fence = ARGV[1], ARGV[2]
local record = redis.call('HGET', KEYS[2], id)
if not record or string.sub(record, 1, #fence + 1) ~= fence .. ' ' then
    return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), id)
return 1
