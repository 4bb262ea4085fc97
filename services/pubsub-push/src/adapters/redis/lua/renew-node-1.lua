-- Records that a push node stands for another device: next version, no longer retired, no longer expiring.
-- KEYS[1] the node
-- ARGV[1] the version it was decided on
-- ARGV[2] the fingerprint of the device
-- Returns 1 done, 0 changed meanwhile
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
  return 0
end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'device', ARGV[2])
redis.call('HDEL', KEYS[1], 'retiredAt')
redis.call('PERSIST', KEYS[1])
return 1
