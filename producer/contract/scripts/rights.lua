-- All or nothing: what is refused half-way is sent again, and part of it would be stored once more
-- each time.
local function need(...)
    for _, command in ipairs({...}) do
        if not redis.acl_check_cmd(unpack(command)) then
            error(redis.error_reply('NOPERM the user may not ' .. command[1] .. ' ' .. command[2]))
        end
    end
end
