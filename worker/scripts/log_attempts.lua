#!lua
-- Writes into the logs of lanes what attempts came to, and how the newest attempts of a hook ended
-- while some of them were not fine. A full Redis refuses it (no allow-oom): the log is the first to
-- do without.
--
-- KEYS  logs log-sizes hooks-recent, then log:<lane> of each lane
-- ARGV  entries that a log keeps, at least; how long it lasts after the last, ms; 1 when all
--       attempts are logged, so that the newest ones are known; then per lane:
--       lane fingerprint n, and n times: event attempt status ms outcome reason error answer
-- reply bytes of all logs
local KEPT, LASTS, LOGS_ALL = ARGV[1], ARGV[2], ARGV[3] == '1'
local logs, sizes, recent = KEYS[1], KEYS[2], KEYS[3]
local FIRST, FIRST_ARG = 4, 4
local WORDS = 8 -- of an entry
local RECENT_KEPT = 10
local SLOW_MS = 1000
local NOT_ITS_FAULT = {['hook-disabled'] = true, ['hook-removed'] = true, dropped = true}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function add(key, at)
    return redis.pcall('XADD', key, 'MAXLEN', '~', KEPT, '*',
        'event', ARGV[at], 'attempt', ARGV[at + 1], 'status', ARGV[at + 2], 'ms', ARGV[at + 3],
        'outcome', ARGV[at + 4], 'reason', ARGV[at + 5], 'error', ARGV[at + 6],
        'answer', ARGV[at + 7])
end

-- d delivered, s delivered but slow, f failed; '' when it says nothing about the hook
local function mark_of(outcome, reason, ms)
    if outcome == 'delivered' then
        return (tonumber(ms) or 0) > SLOW_MS and 's' or 'd'
    end
    return (outcome == 'skipped' or NOT_ITS_FAULT[reason]) and '' or 'f'
end

-- Those of the log, oldest first.
local function marks_of_log(key)
    local marks = ''
    local entries = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 2 * RECENT_KEPT)
    for _, entry in ipairs(entries.err and {} or entries) do
        local fields = {}
        for i = 1, #entry[2], 2 do
            fields[entry[2][i]] = entry[2][i + 1]
        end
        marks = mark_of(fields.outcome or '', fields.reason, fields.ms) .. marks
    end
    return marks
end

local function decode(text, fingerprint)
    local ok, known = pcall(cjson.decode, text or '')
    if ok and type(known) == 'table' and known.fingerprint == fingerprint and
        type(known.attempts) == 'string' then
        return known
    end
end

-- Of n entries that begin at ARGV[at], before they are added. text: what was known.
local function note_recent(key, lane, fingerprint, text, at, n)
    local marks, last_failure = '', nil
    for entry = at, at + WORDS * (n - 1), WORDS do
        local mark = mark_of(ARGV[entry + 4], ARGV[entry + 5], ARGV[entry + 3])
        marks = marks .. mark
        last_failure = mark == 'f' and entry or last_failure
    end
    local known = text and decode(text, fingerprint)
    if not text and not string.find(marks, '[fs]') then
        return
    end
    local before = known and known.attempts or not text and marks_of_log(key) or ''
    local attempts = string.sub(before .. marks, -RECENT_KEPT)
    if not string.find(attempts, '[fs]') then
        redis.call('HDEL', recent, lane)
        return
    end
    known = known or {fingerprint = fingerprint}
    if last_failure then
        known.status = tonumber(ARGV[last_failure + 2])
        known.error = ARGV[last_failure + 6]
        if not known.since or string.sub(before, -1) ~= 'f' then
            known.since = now -- of its newest failures in a row
        end
    end
    known.attempts = attempts
    redis.call('HSET', recent, lane, cjson.encode(known))
end

-- Soon decided: most are.
local function are_fine(at, n)
    for entry = at, at + WORDS * (n - 1), WORDS do
        if ARGV[entry + 4] ~= 'delivered' or #ARGV[entry + 3] > 3 then -- digits of ms
            return false
        end
    end
    return true
end

-- What is known of the newest attempts of all lanes, in their order.
local function read_recent()
    if not LOGS_ALL then
        return {}
    end
    local lanes, at = {}, FIRST_ARG
    for _ = FIRST, #KEYS do
        lanes[#lanes + 1] = ARGV[at]
        at = at + 3 + WORDS * tonumber(ARGV[at + 2])
    end
    local known = redis.pcall('HMGET', recent, unpack(lanes))
    if known.err then
        redis.call('DEL', recent) -- put there by hand
        return {}
    end
    return known
end

local known = read_recent()
local grown = 0
local at = FIRST_ARG
for i = FIRST, #KEYS do
    local key, lane, fingerprint, n = KEYS[i], ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
    local text = known[i - FIRST + 1]
    at = at + 3
    if LOGS_ALL and (text or not are_fine(at, n)) then
        note_recent(key, lane, fingerprint, text, at, n)
    end
    for entry = at, at + WORDS * (n - 1), WORDS do
        local added = add(key, entry)
        if type(added) == 'table' and added.err then
            if not string.find(added.err, 'WRONGTYPE', 1, true) then
                return added
            end
            redis.call('DEL', key) -- put there by hand
            add(key, entry)
        end
    end
    at = at + WORDS * n
    redis.call('PEXPIRE', key, LASTS)
    redis.call('ZADD', logs, now, lane)
    local size = redis.call('MEMORY', 'USAGE', key)
    grown = grown + size - (tonumber(redis.call('HGET', sizes, lane) or 0) or 0)
    redis.call('HSET', sizes, lane, size)
end
local all = redis.pcall('HINCRBY', sizes, '*', string.format('%.0f', grown))
return type(all) == 'number' and all or 0 -- no number: log_tidy.lua adds up
