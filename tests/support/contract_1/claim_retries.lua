#!lua flags=allow-oom
-- Leases the deliveries that are due: their score moves to the end of the lease, so that another
-- worker gets them if this one dies. Each gets a fence token; an expired lease is counted in its
-- record. Of a hook that has more due than can be sent only so many are given; the others are due
-- again later, so that the heap of a dead receiver hides nobody's retries.
-- What does not begin as a record is kept whole behind a first line, for its holder to bury.
--
-- KEYS  retries deliveries
-- ARGV  consumer first_number limit lease_ms bytes_budget look, then per such hook:
--       room hook quota push_ms each_us
--       At most look members are put off, also with a limit of 0.
--       Beyond its quota a hook's are due in push_ms and later, each_us apart if all that is due
--       now were the hook's.
-- reply {now_ms, next_due_ms or -1, {how many were put off, per such hook},
--        {delivery_id, record} …}
local SPREAD_LEAST_MS, SPREAD_MOST_MS = 100, 20000
local LOOK_US = 400 -- a heap of any size is looked at no more often than one delivery in so long
local FAR_MS = 60000 -- the next due time is asked for again long before
local retries, deliveries = KEYS[1], KEYS[2]
local me, number = ARGV[1], tonumber(ARGV[2])
local limit, lease, budget = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local look = tonumber(ARGV[6])
local is_full = limit <= 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local out, pushed = {now, -1, {}}, {}

local hot, hot_ids = {}, {} -- by "room/hook", and which hook ids may be hot at all
for at = 7, #ARGV, 5 do
    pushed[#pushed + 1] = 0
    hot_ids[ARGV[at + 1]] = true
    hot[ARGV[at] .. '/' .. ARGV[at + 1]] = {
        number = #pushed,
        quota = tonumber(ARGV[at + 2]),
        push = tonumber(ARGV[at + 3]),
        each_us = tonumber(ARGV[at + 4]),
    }
end
math.randomseed(now) -- else it is the same in each call

-- The hot hook of a delivery, or nil.
local function hot_hook(id, record)
    if not hot_ids[string.match(id, '/(.*)$')] then
        return nil
    end
    local room, hook = string.match(record, '^[^\n]*\n{"room":(-?%d+),"hook":"([^"]*)"')
    return room and hot[room .. '/' .. hook]
end

local function lease_it(id, record)
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
end

local due = {}
if limit > 0 or #pushed > 0 then
    local most = #pushed > 0 and look + math.min(limit, 3 * look) or limit
    due = redis.call('ZRANGEBYSCORE', retries, '-inf', now, 'LIMIT', 0, most)
end
-- How long it takes until a hook with a heap has got rid of it.
local heap = #pushed > 0 and redis.call('ZCOUNT', retries, '-inf', now) or 0
for _, hook in pairs(hot) do
    local most = math.max(SPREAD_MOST_MS, math.floor(heap * LOOK_US / 1000))
    local spread = math.floor(heap * hook.each_us / 1000)
    hook.spread = math.max(SPREAD_LEAST_MS, math.min(spread, most))
    if is_full then -- nobody gets one before it is not: all that waits is looked at as seldom
        local all = math.floor(redis.call('ZCARD', retries) * LOOK_US / 1000)
        hook.spread = math.max(hook.spread, math.min(all, SPREAD_MOST_MS))
    end
end
for _, id in ipairs(due) do
    local record = redis.call('HGET', deliveries, id)
    local hook = record and hot_hook(id, record)
    if not record then
        redis.call('ZREM', retries, id)
    elseif hook and hook.quota <= 0 then
        redis.call('ZADD', retries, now + hook.push + math.random(0, hook.spread), id)
        pushed[hook.number] = pushed[hook.number] + 1
        look = look - 1
    else
        if limit > 0 then
            lease_it(id, record)
            limit = limit - 1
        end
        if hook then
            hook.quota = hook.quota - 1
        end
    end
    budget = budget - (record and #record or 0)
    -- With no room left hooks that have too many are still put off, so that others come next.
    if budget <= 0 or look <= 0 or (limit <= 0 and #pushed == 0) then
        break
    end
end
out[3] = pushed
local first = redis.call('ZRANGE', retries, 0, 0, 'WITHSCORES')
if first[2] then -- as an integer, whatever somebody set by hand
    out[2] = math.max(0, math.min(math.ceil(tonumber(first[2])), now + FAR_MS))
end
return out
