#!lua flags=no-writes
-- Some deliveries of a lane, in the order of their scores, without their documents.
--
-- KEYS  lane:<lane> deliveries leases
-- ARGV  first last
-- reply for each {delivery_id, score, the record's first line or nil, its bytes, 1 when the
--       document is in it, lease or ''}; of a line over 4096 bytes its beginning
local KEPT = 4096
local page = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES')
local out = {}
for i = 1, #page, 2 do
    local id = page[i]
    local record = redis.call('HGET', KEYS[2], id)
    local line = record and string.match(record, '^[^\n]*')
    out[#out + 1] = {
        id, page[i + 1], line and string.sub(line, 1, KEPT), record and #record or 0,
        record and #line < #record and 1 or 0, redis.call('HGET', KEYS[3], id) or '',
    }
end
return out
