-- Writes fields of a push node if it still has the given version and is not retired, and increments its version.
-- KEYS[1] the node
-- ARGV[1] the version that the decision was based on
-- ARGV[2…] fields and values
-- Returns 1 if done, 0 if the node has changed in the meantime
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] or redis.call('HEXISTS', KEYS[1], 'retiredAt') == 1 then
  return 0
end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
