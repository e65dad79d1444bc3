#!lua flags=no-writes
-- One page of a walk over shared documents, for check_documents.lua.
--
-- KEYS  documents
-- ARGV  cursor count
-- reply {next cursor, {stream id …}}
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local found = {}
for i = 1, #page[2], 2 do
    found[#found + 1] = page[2][i]
end
return {page[1], found}
