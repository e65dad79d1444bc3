#!lua flags=no-writes
-- What is wrong with deliveries that look_deliveries.lua found, if they still wait: all that goes
-- together changes in one script, so each is wrong when it is seen.
--
-- KEYS  deliveries documents lanes lanes-shut retries, then of each its lane:<lane> and
--       holders:<stream id>
-- ARGV  of each its id, and 'own' or 'shared' for its document; 'old' of contract 1; 'unreadable'
-- reply {what, delivery id …}
--       what: 'record' it cannot be read; 'place' it is not in its lane, or that in no set;
--       'shared' its document is not there, or not held for it
local deliveries, documents = KEYS[1], KEYS[2]
local lanes, shut, retries = KEYS[3], KEYS[4], KEYS[5]
local FIRST = 5
--include ask
local out = {}

local function report(what, which)
    out[#out + 1] = what
    out[#out + 1] = which
end

-- A key of another type has nothing in it.
local function has(command, key, member)
    local found = ask(command, key, member)
    return found and found ~= 0
end

local function check(id, kind, key, holders)
    local lane = string.sub(key, string.find(key, ':lane:', 1, true) + 6)
    if not has('HEXISTS', deliveries, id) then
        return
    elseif kind == 'unreadable' then
        report('record', id)
    elseif not has('ZSCORE', kind == 'old' and retries or key, id) or
        (kind ~= 'old' and not has('ZSCORE', lanes, lane) and not has('ZSCORE', shut, lane)) then
        report('place', id)
    end
    if kind == 'shared' and not (has('HEXISTS', documents, string.match(id, '^[^/]*')) and
            has('SISMEMBER', holders, id)) then
        report('shared', id)
    end
end

for i = 1, #ARGV, 2 do
    check(ARGV[i], ARGV[i + 1], KEYS[FIRST + i], KEYS[FIRST + i + 1])
end
return out
