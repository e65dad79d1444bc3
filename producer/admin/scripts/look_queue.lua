#!lua flags=no-writes
-- How a queue is, at one instant, so that its numbers belong together while workers go on.
-- KEYS: events, deliveries, lanes, lanes-shut, dead, meta, retries, and others. ARGV: group.
-- Returns names and values in turn; 'keys' is a type and a PTTL for each key. What is not there, or
-- not of its type, has no name.
local events, lanes, shut = KEYS[1], KEYS[3], KEYS[4]
local out, types, keys = {}, {}, {}
local function tell(name, value)
    out[#out + 1] = name
    out[#out + 1] = value
end

for i, key in ipairs(KEYS) do
    types[i] = redis.call('TYPE', key).ok
    keys[2 * i - 1] = types[i]
    keys[2 * i] = redis.call('PTTL', key)
end
tell('keys', keys)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
tell('now_ms', now)

local function look_at_groups()
    local last, others = '-', {}
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', events)) do
        local field = {}
        for i = 1, #group, 2 do
            field[group[i]] = group[i + 1]
        end
        if field.name == ARGV[1] then
            last = field['last-delivered-id']
            tell('last_delivered', last)
            tell('pending', field.pending)
            -- Where that is not allowed the walk over what is pending says so.
            local oldest = redis.pcall('XPENDING', events, ARGV[1], '-', '+', 1)[1]
            tell('pending_idle_ms', oldest and oldest[3] or 0)
            last = '(' .. last
        else
            others[#others + 1] = field.name
        end
    end
    tell('other_groups', others)
    local unread = redis.call('XRANGE', events, last, '+', 'COUNT', 1)[1]
    if unread then
        tell('oldest_unread', unread[1])
    end
end

if types[1] == 'stream' then
    tell('events', redis.call('XLEN', events))
    look_at_groups()
end
if types[2] == 'hash' then
    tell('deliveries', redis.call('HLEN', KEYS[2]))
end
if types[3] == 'zset' then
    tell('lanes', redis.call('ZCARD', lanes))
    tell('due', redis.call('ZCOUNT', lanes, '-inf', now))
    local first = redis.call('ZRANGE', lanes, 0, 0, 'WITHSCORES')
    -- A score may be anything; 2^53 ms is further away than any date.
    tell('first_due_ms', math.max(0, math.min(tonumber(first[2]) or 0, 2 ^ 53)))
end
if types[4] == 'zset' then
    tell('lanes_shut', redis.call('ZCARD', shut))
end
if types[5] == 'stream' then
    tell('dead', redis.call('XLEN', KEYS[5]))
end
if types[6] == 'hash' then
    tell('contract', redis.call('HGET', KEYS[6], 'contract') or '')
    tell('converting', redis.call('HEXISTS', KEYS[6], 'converting'))
    tell('looked_at', redis.call('HGET', KEYS[6], 'looked_at') or 0)
    tell('seen', redis.call('HGET', KEYS[6], 'length') or 0)
end
if types[7] == 'zset' then
    tell('old', redis.call('ZCARD', KEYS[7]))
end
return out
