-- Adds the name of a node to its owner's index, unless the index is full.
-- KEYS[1] the index, a set
-- ARGV[1] the name of the node
-- ARGV[2] how many names the index may hold
-- Returns 1 if the name is in the index now, 0 if the index is full
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 and redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('SADD', KEYS[1], ARGV[1])
return 1
