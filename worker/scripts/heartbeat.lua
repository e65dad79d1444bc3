#!lua flags=allow-oom
-- Says that this worker lives, also when Redis is full, and takes or keeps the maintenance lease.
--
-- KEYS  worker:<consumer> leader
-- ARGV  consumer ttl_ms value
-- reply {1 when the key was still there, else 0; 1 when this worker leads, else 0; now in ms}
local me, ttl = ARGV[1], ARGV[2]
local had = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[3], 'PX', ttl)
local leader = redis.call('GET', KEYS[2])
if not leader or leader == me then
    redis.call('SET', KEYS[2], me, 'PX', ttl)
    leader = me
end
local time = redis.call('TIME')
return {had, leader == me and 1 or 0, time[1] * 1000 + math.floor(time[2] / 1000)}
