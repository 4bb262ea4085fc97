-- Adds a node id to its owner's index, unless the index is full.
-- KEYS[1] the index, a set
-- ARGV[1] the node id
-- ARGV[2] the most ids it may have
-- Returns 1 it is in the index now, 0 the index is full
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 and redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('SADD', KEYS[1], ARGV[1])
return 1
