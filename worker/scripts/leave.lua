#!lua flags=allow-oom
-- Deregisters: drops the heartbeat, and the consumer when nothing is pending for it.
--
-- KEYS  events worker:<consumer> leader happened
-- ARGV  group consumer
local events, group, me = KEYS[1], ARGV[1], ARGV[2]
local happened = KEYS[4]
--include happened
redis.call('DEL', KEYS[2])
note_happened('worker-stopped', 'worker', me)
if redis.pcall('GET', KEYS[3]) == me then
    redis.call('DEL', KEYS[3])
end
local pending = redis.pcall('XPENDING', events, group, '-', '+', 1, me)
if not pending.err and #pending == 0 then
    redis.call('XGROUP', 'DELCONSUMER', events, group, me)
end
return redis.status_reply('OK')
