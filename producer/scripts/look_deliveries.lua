#!lua flags=no-writes
-- One page of a walk over the due times of waiting deliveries, or over their records: tells those
-- that the other does not know. Both change in the same script, so each is wrong when it is seen.
-- KEYS: retries, deliveries. ARGV: 'retries' or 'deliveries', cursor, count.
-- Returns the next cursor, how many it looked at, and the ids that the other does not know.
local retries, deliveries = KEYS[1], KEYS[2]
local by_due = ARGV[1] == 'retries'
local page = by_due and redis.call('ZSCAN', retries, ARGV[2], 'COUNT', ARGV[3]) or
    redis.call('HSCAN', deliveries, ARGV[2], 'COUNT', ARGV[3])
local out = {page[1], #page[2] / 2}
for i = 1, #page[2], 2 do
    local id = page[2][i]
    local known
    if by_due then
        known = redis.call('HEXISTS', deliveries, id) == 1
    else
        known = redis.call('ZSCORE', retries, id)
    end
    if not known then
        out[#out + 1] = id
    end
end
return out
