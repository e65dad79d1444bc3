#!lua flags=no-writes
-- One page of the leader's walk over the deliveries that wait, for heal.lua, and some documents and
-- leases by chance.
--
-- KEYS  deliveries documents leases
-- ARGV  cursor count samples
-- reply {next cursor, {delivery_id, lane …}, {stream_id …}, {delivery_id …} with a lease, now_ms}
--       lane: as its record says, '-' for a record of contract 1, '' when it cannot be read
--include record

local time = redis.call('TIME')
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local found = {}
for i = 1, #page[2], 2 do
    found[i], found[i + 1] = page[2][i], lane_in(page[2][i + 1])
end
return {
    page[1], found,
    redis.call('HRANDFIELD', KEYS[2], ARGV[3]), redis.call('HRANDFIELD', KEYS[3], ARGV[3]),
    time[1] * 1000 + math.floor(time[2] / 1000),
}
