#!lua
-- Stores a hook if it still is what was read, and notifies the workers.
--
-- KEYS  the room's hooks, hooks-changed
-- ARGV  room, hook id, what was read ('' for none), what to store
-- reply 1, or 0 when it is another one by now
--include swap
