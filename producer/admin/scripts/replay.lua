#!lua
-- Moves dead letters back to the events. Not allow-oom: what it adds must respect maxmemory.
--
-- KEYS  dead events dead-by-room dead-bytes
-- ARGV  bytes kept of a document that was too large, ids of dead letters
-- reply for each its new stream id, or '' when it is not there (any more), or an error's words
local dead, events, by_room, dead_bytes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
--include letters

local function replay(id)
    local letter = redis.call('XRANGE', dead, id, id)[1]
    if not letter then
        return ''
    end
    local field = {}
    for i = 1, #letter[2], 2 do
        field[letter[2][i]] = letter[2][i + 1]
    end
    local encoding = field.msgpack and 'msgpack' or 'json'
    if not field[encoding] then
        return 'it has no document'
    end
    if field.reason == 'too-large' and #field[encoding] >= tonumber(ARGV[1]) then
        return 'too large, only its beginning was kept: send the event again from its source'
    end
    local event = {encoding, field[encoding]}
    for _, name in ipairs({{'id', 'event_id'}, {'hook', 'hook'}, {'traceparent', 'traceparent'}}) do
        if field[name[2]] then
            event[#event + 1] = name[1]
            event[#event + 1] = field[name[2]]
        end
    end
    local new = redis.call('XADD', events, '*', unpack(event))
    drop_letter(id)
    return new
end

local results = {}
for i = 2, #ARGV do
    results[i - 1] = replay(ARGV[i])
end
return results
