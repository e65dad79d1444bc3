#!lua flags=allow-oom
-- Takes up pending entries that this consumer owns and does not know: after a reconnect, and of
-- those it took over. An entry over the limit becomes a dead letter here, so that it never travels.
--
-- KEYS  events dead dead-by-room dead-bytes meta
-- ARGV  group consumer max_event_bytes bytes_budget dead_max dead_max_bytes id…
-- reply {dropped dead letters, a list per id, until the budget is spent}:
--         {id, 'entry', claims, fields}   taken up
--         {id, 'too-large'} {id, 'lost'}  done with here
--         {id, 'other'}                   not ours any more
local events, dead, by_room, dead_bytes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, me = ARGV[1], ARGV[2]
local max_bytes, budget = tonumber(ARGV[3]), tonumber(ARGV[4])
local dead_max, dead_max_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local KEPT = 4096
--include letters

local function field_bytes(fields)
    local sum, largest = 0, 0
    for i = 1, #fields, 2 do
        sum = sum + #fields[i] + #fields[i + 1]
        if fields[i] == 'json' or fields[i] == 'msgpack' then
            largest = math.max(largest, #fields[i + 1])
        end
    end
    return sum, largest
end

local function bury(id, fields, size)
    local letter = {
        'reason', 'too-large',
        'error', 'the entry has ' .. size .. ' bytes, allowed are ' .. max_bytes,
        'worker', me,
    }
    for i = 1, #fields, 2 do
        if fields[i] == 'json' or fields[i] == 'msgpack' then
            letter[#letter + 1] = fields[i]
            letter[#letter + 1] = string.sub(fields[i + 1], 1, KEPT)
        end
    end
    write_letter({unpack(letter, 1, math.min(#letter, 64))})
    redis.call('XACK', events, group, id)
    redis.pcall('HINCRBY', KEYS[5], 'removed', redis.call('XDEL', events, id))
end

local out = {0}
for i = 7, #ARGV do
    local id = ARGV[i]
    local pending = redis.call('XPENDING', events, group, id, id, 1)[1]
    if not pending or pending[2] ~= me then
        out[#out + 1] = {id, 'other'}
    else
        local entry = redis.call('XRANGE', events, id, id)[1]
        if not entry then
            redis.call('XACK', events, group, id)
            out[#out + 1] = {id, 'lost'}
        else
            local size, document = field_bytes(entry[2])
            -- Room for the small fields beside the document.
            if document > max_bytes or size > max_bytes + 8192 then
                bury(id, entry[2], size)
                out[#out + 1] = {id, 'too-large'}
            else
                budget = budget - size
                out[#out + 1] = {id, 'entry', pending[4], entry[2]}
            end
        end
    end
    if budget <= 0 then
        break
    end
end
if next(wrote) then
    cap_letters()
    out[1] = dropped
end
return out
