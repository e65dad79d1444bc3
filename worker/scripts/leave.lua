#!lua flags=allow-oom
-- Deregisters: drops the heartbeat, and the consumer when nothing is pending for it.
--
-- KEYS  events worker:<consumer> leader
-- ARGV  group consumer
local events, group, me = KEYS[1], ARGV[1], ARGV[2]
redis.call('DEL', KEYS[2])
if redis.pcall('GET', KEYS[3]) == me then
    redis.call('DEL', KEYS[3])
end
local pending = redis.pcall('XPENDING', events, group, '-', '+', 1, me)
if not pending.err and #pending == 0 then
    redis.call('XGROUP', 'DELCONSUMER', events, group, me)
end
return redis.status_reply('OK')
