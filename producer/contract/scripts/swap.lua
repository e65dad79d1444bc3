-- Stores a hook if it still is what was read, so that two editors cannot undo each other, and
-- notifies the workers. As hook_swap.lua is called and replies.
if (redis.call('HGET', KEYS[1], ARGV[2]) or '') ~= ARGV[3] then
    return 0
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[4])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 1000, '*', 'room', ARGV[1], 'hook', ARGV[2])
return 1
