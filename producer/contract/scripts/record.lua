-- The lane that a record of a waiting delivery names: '-' for a record of contract 1, '' when it
-- cannot be read.
local function lane_in(record)
    local json = string.match(record, '^{[^\n]*')
    if not json then
        return string.find(record, '^%S+ %d+\n{') and '-' or ''
    end
    local ok, known = pcall(cjson.decode, json)
    return ok and type(known) == 'table' and type(known.lane) == 'string' and known.lane or ''
end
