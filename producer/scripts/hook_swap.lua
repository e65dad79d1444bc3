#!lua
-- Stores a hook if it still is what was read, so that two editors cannot undo each other, and tells
-- the workers.
-- KEYS: the room's hooks, hooks-changed. ARGV: room, hook id, what was read ('' for none), what to
-- store.
-- Returns 1, or 0 when it is another one by now.
if (redis.call('HGET', KEYS[1], ARGV[2]) or '') ~= ARGV[3] then
    return 0
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[4])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 1000, '*', 'room', ARGV[1], 'hook', ARGV[2])
return 1
