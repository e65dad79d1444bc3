-- A task's record in {Q}:tasks. Needs tasks, the name of that key.
local LEASE_MS = 15000
local CATCH_UP_MS = 100 -- by so much a late step may be made up for
local TASK_NUMBERS = {'fence', 'lease_until', 'next_at', 'rate', 'done', 'skipped', 'failed'}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- nil when it is not there, has ended, or its fence is another by now.
local function read_task(id, fence)
    local ok, task = pcall(cjson.decode, redis.call('HGET', tasks, id) or '')
    if not ok or type(task) ~= 'table' or task.state ~= 'running' then
        return nil
    end
    for _, name in ipairs(TASK_NUMBERS) do
        if type(task[name]) ~= 'number' then
            return nil
        end
    end
    return task.fence == tonumber(fence) and task or nil
end

local function store_task(id, task)
    local record = cjson.encode(task)
    redis.call('HSET', tasks, id, record)
    return record
end

local function end_task(task, state)
    task.state, task.ended_at, task.lease_until = state, now, 0
end

-- After a step: done and failed are what it came to, skipped what was left out before it.
local function advance_task(task, cursor, is_last, done, skipped, failed)
    task.cursor = cursor
    task.done, task.skipped = task.done + done, task.skipped + skipped
    task.failed = task.failed + failed
    task.error, task.error_at = nil, nil
    task.lease_until = now + LEASE_MS
    if task.rate > 0 then
        task.next_at = math.ceil(math.max(task.next_at, now - CATCH_UP_MS) +
                                 (done + failed) * 1000 / task.rate)
    else
        task.next_at = now
    end
    if is_last then
        end_task(task, 'done')
    end
end
