#!lua flags=no-writes
-- The hooks of some rooms.
-- KEYS: the rooms'. ARGV: the longest hook and the most hooks of a room that are looked at, and a
-- budget of bytes.
-- Returns for each room, until the budget is spent, {type, PTTL, hooks, {id, JSON …}}. Of a hook
-- that is too long its length comes instead; of a room with too many hooks none.
local max_len, max_hooks, budget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local out = {}
for _, room in ipairs(KEYS) do
    local kind, hooks, list = redis.call('TYPE', room).ok, 0, {}
    if kind == 'hash' then
        hooks = redis.call('HLEN', room)
        if hooks <= max_hooks then
            list = redis.call('HGETALL', room)
        end
    end
    for i = 2, #list, 2 do
        if #list[i] > max_len then
            list[i] = #list[i]
        else
            budget = budget - #list[i]
        end
    end
    out[#out + 1] = {kind, redis.call('PTTL', room), hooks, list}
    if budget <= 0 then
        break
    end
end
return out
