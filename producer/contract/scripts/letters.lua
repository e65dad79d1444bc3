-- Dead letters and their caps. Needs dead, by_room and dead_bytes, the names of these keys, and to
-- write letters dead_max, dead_max_bytes, and dead_of_hooks, where those of a hook are counted, or
-- nil. by_room has "<room> <letter id> <bytes>" for each
-- letter, all with score 0; dead_bytes has the bytes of each room, and of all under "*".
local EVICTIONS_MAX = 200 -- in one call; the next goes on
local SAMPLES = 4
local dropped = 0
local wrote = {} -- rooms that got letters here

local function room_and_size(fields)
    local room, size, hook = '', 0, nil
    for i = 1, #fields, 2 do
        size = size + #fields[i] + #fields[i + 1]
        if fields[i] == 'room' then
            room = fields[i + 1]
        elseif fields[i] == 'hook' then
            hook = fields[i + 1]
        end
    end
    return room, size, hook
end

-- Counting is never a reason not to store a letter.
local function add_bytes(room, size)
    for _, field in ipairs({room, '*'}) do
        local bytes = redis.pcall('HINCRBY', dead_bytes, field, size)
        if type(bytes) == 'number' and bytes <= 0 then
            redis.call('HDEL', dead_bytes, field)
        end
    end
end

local function count_letter(room, id, size)
    redis.pcall('ZADD', by_room, 0, room .. ' ' .. id .. ' ' .. size)
    add_bytes(room, size)
end

local function write_letter(fields)
    local room, size, hook = room_and_size(fields)
    count_letter(room, redis.call('XADD', dead, '*', unpack(fields)), size)
    wrote[room] = true
    if hook and dead_of_hooks then
        redis.pcall('HINCRBY', dead_of_hooks, room .. '/' .. hook, 1)
    end
end

local function drop_member(member)
    local room, id, size = string.match(member, '^(.-) (%d+%-%d+) (%d+)$')
    redis.call('ZREM', by_room, member)
    if room then
        dropped = dropped + redis.call('XDEL', dead, id)
        add_bytes(room, -tonumber(size))
    end
end

-- The oldest letter of a room that has over a tenth of all letters or bytes, or nil.
local function oldest_of_large(room, letters, bytes)
    local from, to = '[' .. room .. ' ', '(' .. room .. '!'
    if redis.call('ZLEXCOUNT', by_room, from, to) * 10 > letters or
        tonumber(redis.call('HGET', dead_bytes, room) or 0) * 10 > bytes then
        return redis.call('ZRANGEBYLEX', by_room, from, to, 'LIMIT', 0, 1)[1]
    end
end

local function choose(letters, bytes)
    for room in pairs(wrote) do
        local member = oldest_of_large(room, letters, bytes)
        if member then
            return member
        end
    end
    for _, sample in ipairs(redis.call('ZRANDMEMBER', by_room, SAMPLES)) do
        local member = oldest_of_large(string.match(sample, '^(.-) ') or '', letters, bytes)
        if member then
            return member
        end
    end
end

-- With what is counted of it, if it is.
local function drop_letter(id)
    local letter = redis.call('XRANGE', dead, id, id)[1]
    if not letter then
        return
    end
    local prefix = (room_and_size(letter[2])) .. ' ' .. id
    local known = redis.pcall('ZRANGEBYLEX', by_room, '[' .. prefix .. ' ', '(' .. prefix .. '!')
    if known[1] then
        return drop_member(known[1])
    end
    dropped = dropped + redis.call('XDEL', dead, id) -- from before letters were counted
end

-- Whole letters by XDEL: exact trimming beside it can leave a node that Redis cannot load again.
local function drop_until_capped()
    for _ = 1, EVICTIONS_MAX do
        local letters = redis.call('XLEN', dead)
        local bytes = tonumber(redis.call('HGET', dead_bytes, '*') or 0)
        if letters == 0 or (letters <= dead_max and bytes <= dead_max_bytes) then
            return
        end
        local member = choose(letters, bytes)
        if member then
            drop_member(member)
        else
            drop_letter(redis.call('XRANGE', dead, '-', '+', 'COUNT', 1)[1][1])
        end
    end
end

-- What is not counted is trimmed by its number alone.
local function cap_letters()
    if not pcall(drop_until_capped) then
        dropped = dropped + redis.call('XTRIM', dead, 'MAXLEN', '~', dead_max)
    end
end
