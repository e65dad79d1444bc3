#!lua
-- Stores a hook if it still is what was read, so that two editors cannot undo each other.
-- KEYS: the room's hooks. ARGV: hook id, what was read ('' for none), what to store.
-- Returns 1, or 0 when it is another one by now.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then
    return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
