#!lua flags=no-writes
-- One page of the deliveries that wait as contract 1 has it, for convert.lua.
--
-- KEYS  retries deliveries
-- ARGV  skip most most_bytes
--       skip: how many of those before stayed
-- reply {how many there are, {delivery_id, due_ms, line 1, line 2, document of an inline hook} …}
--       An item ends where there is no more of it: without a record after due_ms. Line 1 of what
--       cannot be read is its first 4096 bytes.
local KEPT = 4096
local out = {redis.call('ZCARD', KEYS[1])}
local skip, budget = tonumber(ARGV[1]), tonumber(ARGV[3])
local page = redis.call('ZRANGE', KEYS[1], skip, skip + ARGV[2] - 1, 'WITHSCORES')
for i = 1, #page, 2 do
    local id = page[i]
    local record = redis.call('HGET', KEYS[2], id)
    local item = {id, math.max(0, math.min(tonumber(page[i + 1]), 2 ^ 53))}
    if record then
        local line_1, line_2, rest = string.match(record, '^([^\n]*)\n([^\n]*)\n()')
        item[3] = line_1 or string.sub(record, 1, KEPT)
        item[4] = line_2
        if line_2 and string.find(id, '/inline-', 1, true) then
            item[5] = string.sub(record, rest)
        end
        budget = budget - #record
    end
    out[#out + 1] = item
    if budget <= 0 then
        break
    end
end
return out
