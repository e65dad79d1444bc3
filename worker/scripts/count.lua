#!lua flags=allow-oom
-- Adds to the counters, also when Redis is full.
--
-- KEYS  stats times
-- ARGV  how many counters of the first key, then name number …, then those of the second
local first = tonumber(ARGV[1])
for i = 2, #ARGV, 2 do
    redis.call('HINCRBY', KEYS[i <= 2 * first and 1 or 2], ARGV[i], ARGV[i + 1])
end
return redis.status_reply('OK')
