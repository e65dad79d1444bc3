#!lua flags=allow-oom
-- Forgets what workers learnt about a hook and tells them. Also when Redis is full: what it adds is
-- capped.
-- KEYS: hooks-state, hooks-changed. ARGV: room, hook id, the hook's fields of hooks-state; without
-- fields it only tells.
-- Returns how many fields were there.
local forgotten = 0
for i = 3, #ARGV do
    forgotten = forgotten + redis.call('HDEL', KEYS[1], ARGV[i])
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 1000, '*', 'room', ARGV[1], 'hook', ARGV[2])
return forgotten
