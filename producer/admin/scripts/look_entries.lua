#!lua flags=no-writes
-- One page of a walk over the entries of the stream, or over what is pending: returns those that
-- the other does not know. Acknowledging deletes in the same script, so each is wrong when seen.
-- KEYS: events. ARGV: group, 'stored' or 'pending', from, to, count.
-- Returns how many it looked at, the last one's id or '', and the ids that the other does not know.
local events, group = KEYS[1], ARGV[1]
local function stored(from, to, count)
    return redis.call('XRANGE', events, from, to, 'COUNT', count)
end
local function pending(from, to, count)
    return redis.call('XPENDING', events, group, from, to, count)
end

local walked, other = stored, pending
if ARGV[2] == 'pending' then
    walked, other = pending, stored
end
local page = walked(ARGV[3], ARGV[4], ARGV[5])
local out = {#page, #page > 0 and page[#page][1] or ''}
for _, entry in ipairs(page) do
    if #other(entry[1], entry[1], 1) == 0 then
        out[#out + 1] = entry[1]
    end
end
return out
