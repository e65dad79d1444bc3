#!lua flags=allow-oom
-- Drops the oldest dead letters when they take more memory than allowed.
--
-- KEYS  dead
-- ARGV  max_bytes
-- reply how many were dropped
local used = redis.call('MEMORY', 'USAGE', KEYS[1])
local max = tonumber(ARGV[1])
if not used or used <= max then
    return 0
end
-- A little below the limit, so that it is not hit again at once.
local keep = math.floor(redis.call('XLEN', KEYS[1]) * (max / used) * 0.9)
-- Whole nodes only: exact trimming beside XDEL can leave a node that Redis refuses to load again.
return redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', keep)
