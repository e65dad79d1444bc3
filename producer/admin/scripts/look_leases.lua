#!lua flags=no-writes
-- One page of a walk over leases: returns those of deliveries that do not wait. Both change in the
-- same script, so each is wrong when it is seen.
--
-- KEYS  leases deliveries
-- ARGV  cursor count
-- reply {next cursor, how many it looked at, delivery ids …}
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local out = {page[1], #page[2] / 2}
for i = 1, #page[2], 2 do
    if redis.call('HEXISTS', KEYS[2], page[2][i]) == 0 then
        out[#out + 1] = page[2][i]
    end
end
return out
