#!lua flags=allow-oom
-- Adds to the counters, also when Redis is full.
--
-- KEYS  stats
-- ARGV  name number …
for i = 1, #ARGV, 2 do
    redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
end
return redis.status_reply('OK')
