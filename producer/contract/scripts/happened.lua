-- Notes what an operator wants to see beside the charts. Needs happened, the name of {Q}:happened.
local HAPPENED_KEPT = 1000 -- about
local HAPPENED_LASTS_MS = 7 * 24 * 3600 * 1000

-- what: 'lane' or 'worker'. Nothing depends on it, so what Redis refuses is left out.
local function note_happened(kind, what, name, why)
    if type(redis.pcall('XADD', happened, 'MAXLEN', '~', HAPPENED_KEPT, '*', 'kind', kind, what,
        name, 'why', why or '')) ~= 'string' then
        redis.pcall('DEL', happened) -- put there by hand
        return
    end
    redis.pcall('PEXPIRE', happened, HAPPENED_LASTS_MS)
end
