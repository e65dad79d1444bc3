#!lua flags=allow-oom
-- Counts the entries that others than workers deleted from the stream, since the last look.
--
-- KEYS  events meta
-- reply {how many, 1 when the stream is another one than at the last look, else 0; how many were in
--       it at the last look, how many ms that is ago}; nothing while there is no stream
local events, meta = KEYS[1], KEYS[2]
--include account
return account(false)
