#!lua flags=no-writes
-- The group's consumers with their heartbeats, at one instant: a worker that deregisters between
-- two looks would be taken for dead.
-- KEYS: events, leader. ARGV: group, what heartbeats' keys begin with, names of workers found by
-- their keys: where the group was created again by another, a worker is no consumer before its next
-- event, and only its heartbeat shows it.
-- Returns for each {name, pending, idle ms, PTTL of the heartbeat, heartbeat or ''}.
local out, seen = {}, {}
local function add(name, pending, idle, heartbeat)
    out[#out + 1] = {name, pending, idle, redis.call('PTTL', ARGV[2] .. name), heartbeat or ''}
    seen[name] = true
end
local function add_living(name)
    local heartbeat = not seen[name] and redis.call('GET', ARGV[2] .. name)
    if heartbeat then
        add(name, 0, 0, heartbeat)
    end
end

local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then
    -- Without a stream or group there are none.
    if not (string.find(consumers.err, 'NOGROUP', 1, true) or
            string.find(consumers.err, 'no such key', 1, true)) then
        return consumers
    end
    consumers = {}
end
for _, consumer in ipairs(consumers) do
    local field = {}
    for i = 1, #consumer, 2 do
        field[consumer[i]] = consumer[i + 1]
    end
    add(field.name, field.pending, field.idle, redis.call('GET', ARGV[2] .. field.name))
end
add_living(redis.call('GET', KEYS[2]) or '')
for i = 3, #ARGV do
    add_living(ARGV[i])
end
return out
