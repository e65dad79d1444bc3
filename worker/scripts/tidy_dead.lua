#!lua flags=allow-oom
-- Keeps the dead letters within their caps, forgets letters that somebody removed, and counts
-- those from before letters were counted.
--
-- KEYS  dead dead-by-room dead-bytes
-- ARGV  dead_max dead_max_bytes cursor from
--       from: '-' and then what the one before returned, to count; '' not to
-- reply {dropped letters, next cursor, next from}
local PAGE, PAGE_BYTES = 100, 4194304
local dead, by_room, dead_bytes = KEYS[1], KEYS[2], KEYS[3]
local dead_max, dead_max_bytes, from = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[4]
--include letters

local function is_counted(room, id)
    local prefix = room .. ' ' .. id
    return redis.call('ZLEXCOUNT', by_room, '[' .. prefix .. ' ', '(' .. prefix .. '!') > 0
end

local function count_page()
    local bytes = 0
    while bytes < PAGE_BYTES do
        local letter = redis.call('XRANGE', dead, from, '+', 'COUNT', 1)[1]
        if not letter then
            from = ''
            return
        end
        local room, size = room_and_size(letter[2])
        if not is_counted(room, letter[1]) then
            count_letter(room, letter[1], size)
        end
        from = '(' .. letter[1]
        bytes = bytes + size + 1024
    end
end

local page = redis.call('ZSCAN', by_room, ARGV[3], 'COUNT', PAGE)
for i = 1, #page[2], 2 do
    local id = string.match(page[2][i], '(%d+%-%d+) %d+$')
    if not id or #redis.call('XRANGE', dead, id, id) == 0 then
        drop_member(page[2][i])
    end
end
if from ~= '' then
    count_page()
end
cap_letters()
return {dropped, page[1], from}
