#!lua flags=allow-oom
-- Shares what was learnt about a hook. A pause never replaces "disabled", nor a later pause.
--
-- KEYS  hooks-state
-- ARGV  field until_ms disabled(0|1) json
-- reply 1 when written
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old and ARGV[3] == '0' then
    local ok, state = pcall(cjson.decode, old)
    if ok and type(state) == 'table' then
        if state.disabled == true then
            return 0
        end
        if type(state['until']) == 'number' and state['until'] >= tonumber(ARGV[2]) then
            return 0
        end
    end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
return 1
