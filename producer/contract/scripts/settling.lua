-- What both settle scripts have in common: their keys, the walk through their arguments, and what
-- becomes of the lanes in the end. Needs first_lane, the number of the first lane's key.
local deliveries, documents, leases = KEYS[1], KEYS[2], KEYS[3]
local gates, lanes, shut = KEYS[4], KEYS[5], KEYS[6]
local dead, by_room, dead_bytes, dead_of_hooks = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local dead_max, dead_max_bytes, lane_max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local lanes_len = tonumber(ARGV[4])
--include rights
--include lane
--include documents
--include letters
local key_of_any_lane = KEYS[first_lane] or lanes
need({'HSET', deliveries, 'id', 'record'}, {'HDEL', deliveries, 'id'}, {'HSET', leases, 'id', ''},
    {'HDEL', leases, 'id'}, {'ZADD', key_of_any_lane, '0', 'id'}, {'ZREM', key_of_any_lane, 'id'},
    {'ZADD', lanes, '0', 'lane'}, {'ZREM', lanes, 'lane'}, {'ZADD', shut, '0', 'lane'},
    {'XADD', dead, '*', 'name', 'value'}, {'XDEL', dead, '0-1'}, {'ZADD', by_room, '0', 'letter'},
    {'HINCRBY', dead_bytes, '*', '1'}, {'HSET', documents, 'id', ''}, {'HDEL', documents, 'id'})
-- Reading finds a key of another type before anything is written.
redis.call('HLEN', deliveries)
redis.call('HLEN', documents)
redis.call('HLEN', leases)
redis.call('HLEN', gates)
redis.call('ZCARD', lanes)
redis.call('ZCARD', shut)
redis.call('XLEN', dead)
local touched = {} -- lane -> the lowest score that was added, or infinity
local wrong = {}
local at = 5 + 2 * lanes_len

local function lane_key(lane)
    return KEYS[first_lane + lane - 1]
end

local function next_arg()
    at = at + 1
    return ARGV[at - 1]
end

local function holders_key()
    local number = tonumber(next_arg())
    return number > 0 and lane_key(lanes_len + number) or nil
end

local function next_fields()
    local len = tonumber(next_arg())
    at = at + len
    return {unpack(ARGV, at - len, at - 1)}
end

local function touch(lane, score)
    local lowest = touched[lane] or math.huge
    touched[lane] = math.min(lowest, score or lowest)
end

local function add(lane, id, score)
    local key = lane_key(lane)
    if not ask('ZADD', key, score, id) then
        redis.call('DEL', key) -- no lane: it holds no delivery
        redis.call('ZADD', key, score, id)
        wrong[#wrong + 1] = lane
    end
    touch(lane, score)
end

-- A retry's JSON with its time.
local function put_due(json, due)
    return '{"due_at":' .. string.format('%.0f', due) .. ',' .. string.sub(json, 2)
end

-- Scores a lane that deliveries were added to, removes one that is empty.
local function settle_lane_of(lane, lowest, over)
    local key = lane_key(lane)
    local name = lane_of(key)
    local head = head_of(key)
    if not head then
        remove_lane(name)
        return
    end
    if lowest < math.huge then
        local fingerprint, max_age = ARGV[3 + 2 * lane], tonumber(ARGV[4 + 2 * lane])
        local gate_at, kind = read_gate(redis.call('HGET', gates, name), fingerprint)
        lower_lane(name, lowest, head, gate_at, kind, max_age)
    end
    local count = redis.call('ZCARD', key)
    if count > lane_max then
        over[#over + 1] = lane
        over[#over + 1] = count - lane_max
    end
end

-- The reply's beginning.
local function settle_lanes()
    local over = {}
    for lane, lowest in pairs(touched) do
        settle_lane_of(lane, lowest, over)
    end
    if next(wrote) then
        cap_letters()
    end
    return {dropped, over, wrong}
end
