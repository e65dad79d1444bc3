#!lua flags=no-writes
-- One page of a walk over the deliveries that wait, for check_deliveries.lua.
--
-- KEYS  deliveries
-- ARGV  cursor count
-- reply {next cursor, {delivery_id, lane, 1 when its document is shared …}}
--       lane: as its record says, '-' for a record of contract 1, '' when it cannot be read
--include record
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local found = {}
for i = 1, #page[2], 2 do
    found[#found + 1] = page[2][i]
    found[#found + 1] = lane_in(page[2][i + 1])
    found[#found + 1] = string.find(page[2][i + 1], '\n', 1, true) and 0 or 1
end
return {page[1], found}
