#!lua flags=allow-oom
-- Adds to the counters, also when Redis is full: to all, or to none. What somebody wrote there by
-- hand, and is no number, is replaced.
--
-- KEYS  stats times
-- ARGV  how many counters of the first key, then name number …, then those of the second
--include rights
need({'HINCRBY', KEYS[1], 'name', '1'}, {'HINCRBY', KEYS[2], 'name', '1'})
local first = tonumber(ARGV[1])

local function add(key, name, number)
    local added = redis.pcall('HINCRBY', key, name, number)
    if type(added) == 'number' then
        return nil
    elseif string.find(added.err, 'WRONGTYPE', 1, true) then
        return added
    end
    redis.call('HSET', key, name, number)
end

for i = 2, #ARGV, 2 do
    local is_first = i <= 2 * first
    local refused = add(KEYS[is_first and 1 or 2], ARGV[i], ARGV[i + 1])
    if refused and is_first then -- so it is the first one; times are healed by the leader
        return refused
    end
end
return redis.status_reply('OK')
