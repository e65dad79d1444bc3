#!lua flags=allow-oom
-- Removes a hook and notifies the workers. Also when Redis is full: what it adds is capped.
-- KEYS: the room's hooks, hooks-changed. ARGV: room, hook id.
-- Returns 1, or 0 when there is none.
if redis.call('HDEL', KEYS[1], ARGV[2]) == 0 then
    return 0
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 1000, '*', 'room', ARGV[1], 'hook', ARGV[2])
return 1
