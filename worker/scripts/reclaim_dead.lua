#!lua flags=allow-oom
-- Takes over what a dead worker left: entries that were idle for a whole heartbeat-ttl. Counts as a
-- claim until the entry is suspect; from then on only isolated runs count (quarantine_run.lua), so
-- that an entry that only waited beside a crash is not blamed. A consumer without a heartbeat
-- and with nothing pending is removed from the group; one with pending entries never is, because
-- that would destroy them.
--
-- KEYS  events worker:<suspect> happened
-- ARGV  group suspect consumer min_idle_ms limit suspect_claims
-- reply {of those, how many were deleted from the stream, ids taken over…}, or -1 when the suspect
--       lives
local events, group, suspect, me = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local happened = KEYS[3]
--include happened
if suspect == me or redis.call('EXISTS', KEYS[2]) == 1 then
    return -1
end
local pending = redis.call('XPENDING', events, group, 'IDLE', ARGV[4], '-', '+', ARGV[5], suspect)
local out = {0}
for _, entry in ipairs(pending) do
    local id = entry[1]
    local count = math.max(entry[4], math.min(entry[4] + 1, tonumber(ARGV[6])))
    -- An entry that was deleted meanwhile leaves the list here.
    if #redis.call('XCLAIM', events, group, me, 0, id, 'RETRYCOUNT', count, 'JUSTID') > 0 then
        out[#out + 1] = id
    else
        out[1] = out[1] + 1
    end
end
if #pending == 0 and #redis.call('XPENDING', events, group, '-', '+', 1, suspect) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', events, group, suspect)
    note_happened('worker-died', 'worker', suspect)
end
return out
