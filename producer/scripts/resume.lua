#!lua flags=allow-oom
-- Resumes a lane: the first call forgets what is known about its hook and opens its gate, and each
-- call makes some of its retries due, in their order. Not those that a worker holds.
--
-- KEYS  hooks-state hooks-changed gates lanes lanes-shut leases lane:<lane>
-- ARGV  room hook from most
--       from: '' in the first call, then what the one before returned; most: how many it looks at
-- reply {1 when something was known about the hook, how many are due now that were not, the next
--        from or '' at the end}
local states, changed, gates = KEYS[1], KEYS[2], KEYS[3]
local lanes, shut, leases, key = KEYS[4], KEYS[5], KEYS[6], KEYS[7]
--include lane
local from, most, known = ARGV[3], tonumber(ARGV[4]), 0
local lane = lane_of(key)

if from == '' then
    known = math.max(redis.call('HDEL', states, lane), redis.call('HDEL', gates, lane))
    local head = head_of(key)
    if head then
        place_lane(lane, head, nil, 'LT')
    end
    redis.pcall('XADD', changed, 'MAXLEN', '~', 1000, '*', 'room', ARGV[1], 'hook', ARGV[2])
    from = string.format('(%.0f', now)
end

local page = redis.pcall('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
if page.err or #page == 0 then
    return {known, 0, ''}
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
    return {known, #due / 2, ''}
end
-- The last one's time again: there may be others of that time, unless all here were held.
local last = page[#page]
return {known, #due / 2, #due == 0 and page[2] == last and '(' .. last or last}
