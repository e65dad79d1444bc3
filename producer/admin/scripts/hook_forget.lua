#!lua flags=allow-oom
-- Forgets what workers learnt about a hook, opens its gate, and has its lane looked at now. Tells
-- the workers. Also when Redis is full: what it adds is capped.
--
-- KEYS  hooks-state hooks-recent hooks-changed gates lanes lanes-shut lane:<lane>
-- ARGV  room hook, and one of
--         'forget'  notifies only when something was known
--         'resume'  notifies in any case: a worker may know more than it has shared
--         'look'    forgets nothing
-- reply {1 when something was known, how many deliveries wait}
local states, recent, changed, gates = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local lanes, shut, key = KEYS[5], KEYS[6], KEYS[7]
--include lane
local what, known = ARGV[3], 0
local lane = lane_of(key)

if what ~= 'look' then
    known = math.max(redis.call('HDEL', states, lane), redis.call('HDEL', gates, lane))
    redis.pcall('HDEL', recent, lane)
end
local head = head_of(key)
if head then
    if what == 'look' then
        redis.call('ZADD', redis.call('ZSCORE', shut, lane) and shut or lanes, 'LT', now, lane)
    else
        place_lane(lane, math.min(head, now), nil, 'LT')
    end
end
if known == 1 or what == 'resume' then
    redis.call('XADD', changed, 'MAXLEN', '~', 1000, '*', 'room', ARGV[1], 'hook', ARGV[2])
end
return {known, redis.call('ZCARD', key)}
