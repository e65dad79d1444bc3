#!lua flags=allow-oom
-- Makes some retries of a lane due, in their order. Not those that a worker holds.
--
-- KEYS  lanes lanes-shut leases lane:<lane>
-- ARGV  from most
--       from: '' in the first call, then what the one before returned; most: how many it looks at
-- reply {how many are due now that were not, the next from or '' at the end}
local lanes, shut, leases, key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
--include lane
local from, most = ARGV[1], tonumber(ARGV[2])
local lane = lane_of(key)

if from == '' then
    from = string.format('(%.0f', now)
end
local page = redis.pcall('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
if page.err or #page == 0 then
    return {0, ''}
end
local ids, due = {}, {}
for i = 1, #page, 2 do
    ids[#ids + 1] = page[i]
end
for i, held in ipairs(redis.call('HMGET', leases, unpack(ids))) do
    if not held or string.sub(held, 1, 2) == '- ' then
        due[#due + 1] = now
        due[#due + 1] = ids[i]
    end
end
if #due > 0 then
    redis.call('ZADD', key, unpack(due))
    -- Where it is: it may have failed again.
    redis.call('ZADD', redis.call('ZSCORE', shut, lane) and shut or lanes, 'LT', now, lane)
end
if #ids < most then
    return {#due / 2, ''}
end
-- The last one's time again: there may be others of that time, unless all here were held.
local last = page[#page]
return {#due / 2, #due == 0 and page[2] == last and '(' .. last or last}
