-- What a command says; nil when the key is of another type. Any other refusal ends the script.
local function ask(...)
    local reply = redis.pcall(...)
    if type(reply) == 'table' and reply.err then
        if not string.find(reply.err, 'WRONGTYPE', 1, true) then
            error(reply)
        end
        return nil
    end
    return reply
end
