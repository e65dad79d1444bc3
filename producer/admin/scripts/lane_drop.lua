#!lua flags=allow-oom
-- Makes dead letters of deliveries that wait. One that a worker holds is left alone.
--
-- KEYS  deliveries documents leases lanes lanes-shut dead dead-by-room dead-bytes lane:<lane>, then
--       holders:<stream id> of each delivery
-- ARGV  room ('' when the lane has none), the hook's URL ('' when it is not known), delivery ids
-- reply for each id 1 (dropped), 0 (held) or -1 (not there any more); fewer than ids when they are
--       large. The caps of the dead letters are the leader's.
local deliveries, documents, leases = KEYS[1], KEYS[2], KEYS[3]
local lanes, shut = KEYS[4], KEYS[5]
local dead, by_room, dead_bytes, dead_of_hooks = KEYS[6], KEYS[7], KEYS[8], nil
local key, room, url = KEYS[9], ARGV[1], ARGV[2]
local FIRST_HOLDERS, FIRST_ID = 10, 3
local BYTES_MAX = 1024 * 1024 -- of documents in one call: Redis does nothing else meanwhile
local RECORD_KEPT = 4096
--include lane
--include documents
--include letters
local bytes = 0

-- As the letters of workers have it, in UTC.
local function iso8601(ms)
    local days = math.floor(ms / 86400000)
    local rest = ms - days * 86400000
    local z = days + 719468 -- since 0000-03-01, a year ends with February
    local era = math.floor(z / 146097)
    local of_era = z - era * 146097
    local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) -
        math.floor(of_era / 146096)) / 365)
    local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
    local month = math.floor((5 * of_year + 2) / 153)
    local day = of_year - math.floor((153 * month + 2) / 5) + 1
    month = month < 10 and month + 3 or month - 9
    year = year + era * 400 + (month <= 2 and 1 or 0)
    return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day,
        math.floor(rest / 3600000), math.floor(rest / 60000) % 60, math.floor(rest / 1000) % 60,
        rest % 1000)
end

local function is_held(id, score)
    local lease = redis.call('HGET', leases, id)
    return lease and string.sub(lease, 1, 2) ~= '- ' and tonumber(score) > now
end

local function time_field(ms)
    return type(ms) == 'number' and ms > 0 and ms < 253402300800000 and iso8601(ms) or nil
end

local function number_field(number)
    return type(number) == 'number' and number > 0 and string.format('%.0f', number) or nil
end

local function text_field(text)
    return type(text) == 'string' and text ~= '' and text or nil
end

-- The fields of its letter, in the order of all letters.
local function letter_of(id, record)
    local line, document = string.match(record, '^([^\n]*)\n(.*)$')
    local ok, known = pcall(cjson.decode, line or record)
    local is_readable = ok and type(known) == 'table'
    local ms, seq, hook = string.match(id, '^0*(%d+)%-0*(%d+)/(.*)$')
    local letter = {}
    local function put(name, value)
        if value then
            letter[#letter + 1] = name
            letter[#letter + 1] = value
        end
    end
    if not is_readable then
        known = {}
    end
    put('reason', 'dropped')
    put('error', text_field(known.error) or 'dropped by hand')
    put('status', number_field(known.status))
    put('attempts', number_field(known.attempts) or '0')
    put('room', text_field(room))
    put('hook', hook)
    put('url', text_field(url))
    put('event_id', text_field(known.event_id) or ms and 'msg_' .. ms .. '-' .. seq)
    put('queued_at', time_field(tonumber(ms)))
    put('first_attempt_at', time_field(known.first_attempt_at))
    put('last_attempt_at', time_field(known.last_attempt_at))
    put('traceparent', text_field(known.traceparent))
    if is_readable then
        document = document or redis.call('HGET', documents, stream_of(id)) or nil
        put(known.encoding == 'msgpack' and 'msgpack' or 'json', document)
    else
        put('record', string.sub(record, 1, RECORD_KEPT))
    end
    bytes = bytes + #(document or '')
    return letter
end

local function drop(id, holders)
    local score, record = redis.call('ZSCORE', key, id), redis.call('HGET', deliveries, id)
    if not score or not record then
        return -1
    elseif is_held(id, score) then
        return 0
    end
    write_letter(letter_of(id, record))
    redis.call('ZREM', key, id)
    redis.call('HDEL', deliveries, id)
    let_go(holders, id)
    redis.call('HDEL', leases, id)
    return 1
end

local out = {}
for i = FIRST_ID, #ARGV do
    out[#out + 1] = drop(ARGV[i], KEYS[FIRST_HOLDERS + i - FIRST_ID])
    if bytes > BYTES_MAX then
        break
    end
end
if not head_of(key) then
    remove_lane(lane_of(key))
end
return out
