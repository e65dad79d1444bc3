#!lua flags=allow-oom
-- Takes up pending entries that this consumer owns and does not know: after a reconnect, after a
-- take-over. Of an entry over the limit only the beginning travels, for its dead letter.
--
-- KEYS  events
-- ARGV  group consumer max_event_bytes bytes_budget id…
-- reply a list per id, until the budget is spent:
--         {id, 'entry', claims, fields}
--         {id, 'too-large', claims, fields, bytes}  json and msgpack cut
--         {id, 'lost'}                              deleted from the stream; done with here
--         {id, 'other'}                             not ours any more
local events = KEYS[1]
local group, me = ARGV[1], ARGV[2]
local max_bytes, budget = tonumber(ARGV[3]), tonumber(ARGV[4])
local KEPT = 4096
local SMALL_FIELDS = 8192 -- room for those beside the document

local function is_document(name)
    return name == 'json' or name == 'msgpack'
end

local function field_bytes(fields)
    local sum, largest = 0, 0
    for i = 1, #fields, 2 do
        sum = sum + #fields[i] + #fields[i + 1]
        if is_document(fields[i]) then
            largest = math.max(largest, #fields[i + 1])
        end
    end
    return sum, largest
end

local function cut(fields)
    local kept = {}
    for i = 1, math.min(#fields, 64), 2 do
        local most = is_document(fields[i]) and KEPT or 128
        kept[#kept + 1] = fields[i]
        kept[#kept + 1] = string.sub(fields[i + 1], 1, most)
    end
    return kept
end

local function take(id)
    local pending = redis.call('XPENDING', events, group, id, id, 1)[1]
    if not pending or pending[2] ~= me then
        return {id, 'other'}
    end
    local entry = redis.call('XRANGE', events, id, id)[1]
    if not entry then
        redis.call('XACK', events, group, id)
        return {id, 'lost'}
    end
    local size, document = field_bytes(entry[2])
    if document > max_bytes or size > max_bytes + SMALL_FIELDS then
        return {id, 'too-large', pending[4], cut(entry[2]), size}
    end
    budget = budget - size
    return {id, 'entry', pending[4], entry[2]}
end

local out = {}
for i = 5, #ARGV do
    out[#out + 1] = take(ARGV[i])
    if budget <= 0 then
        break
    end
end
return out
