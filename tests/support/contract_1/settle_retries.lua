#!lua flags=allow-oom
-- Stores the outcomes of leased retries. Each names the fence token of its lease: an outcome whose
-- lease has passed to another worker is dropped.
--
-- KEYS  retries deliveries dead
-- ARGV  dead_max, then per delivery: delivery_id fence, then one of
--         'done'                             delivered
--         'retry' delay_ms lines document    waits again; the due time is counted from now
--         'release'                          due now, nothing else changed
--         'dead' fields_len field value …    a dead letter
-- reply {dropped dead letters, 1 or 0 per delivery}  1: settled, 0: not ours
local retries, deliveries, dead = KEYS[1], KEYS[2], KEYS[3]
local dead_max = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local out, buried, at = {0}, false, 2

while at <= #ARGV do
    local id, fence, kind = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local record = redis.call('HGET', deliveries, id)
    local ours = record and string.sub(record, 1, #fence + 1) == fence .. ' '
    at = at + 3
    if kind == 'retry' then
        if ours then
            redis.call('HSET', deliveries, id, ARGV[at + 1] .. ARGV[at + 2])
            redis.call('ZADD', retries, now + tonumber(ARGV[at]), id)
        end
        at = at + 3
    elseif kind == 'release' then
        if ours then
            redis.call('HSET', deliveries, id, '-' .. string.sub(record, #fence + 1))
            redis.call('ZADD', retries, now, id)
        end
    else
        if kind == 'dead' then
            local fields = tonumber(ARGV[at])
            if ours then
                redis.call('XADD', dead, '*', unpack(ARGV, at + 1, at + fields))
                buried = true
            end
            at = at + 1 + fields
        end
        if ours then
            redis.call('ZREM', retries, id)
            redis.call('HDEL', deliveries, id)
        end
    end
    out[#out + 1] = ours and 1 or 0
end
if buried then
    out[1] = redis.call('XTRIM', dead, 'MAXLEN', '~', dead_max)
end
return out
