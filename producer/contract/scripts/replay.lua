-- Moving a dead letter back to the events. Needs letters.lua's names, events and kept, the bytes
-- kept of a document that was too large. Returns its new stream id, or '' when it is not there (any
-- more), or an error's words.
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
    if field.reason == 'too-large' and #field[encoding] >= kept then
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
