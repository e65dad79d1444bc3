#!lua flags=allow-oom
-- Leases the deliveries that are due: their score moves to the end of the lease, so that another
-- worker gets them if this one dies. Each gets a fence token; an expired lease is counted in its
-- record. What does not begin as a record is kept whole behind a first line, for its holder to
-- bury.
--
-- KEYS  retries deliveries
-- ARGV  consumer first_number limit lease_ms bytes_budget
-- reply {now_ms, next_due_ms or -1, {delivery_id, record} …}
local retries, deliveries = KEYS[1], KEYS[2]
local me, number = ARGV[1], tonumber(ARGV[2])
local limit, lease, budget = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local out = {now, -1}

local due = {}
if limit > 0 then
    due = redis.call('ZRANGEBYSCORE', retries, '-inf', now, 'LIMIT', 0, limit)
end
for _, id in ipairs(due) do
    local record = redis.call('HGET', deliveries, id)
    if not record then
        redis.call('ZREM', retries, id)
    else
        local rest = string.find(record, '\n', 1, true) or #record + 1
        local fence, claims = string.match(string.sub(record, 1, rest - 1), '^(%S+) (%d+)$')
        if not fence then
            record, rest = '\n' .. record, 1
        elseif fence ~= '-' then
            claims = claims + 1
        end
        local line = string.format('%s:%d %d', me, number, tonumber(claims or 0))
        record = line .. string.sub(record, rest)
        number = number + 1
        redis.call('HSET', deliveries, id, record)
        redis.call('ZADD', retries, now + lease, id)
        out[#out + 1] = {id, record}
        budget = budget - #record
        if budget <= 0 then
            break
        end
    end
end
local first = redis.call('ZRANGE', retries, 0, 0, 'WITHSCORES')
if first[2] then
    out[2] = first[2]
end
return out
