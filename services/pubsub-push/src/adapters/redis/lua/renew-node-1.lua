-- Records that a push node now stands for another device: increments its version, ends its retirement and its expiry.
-- KEYS[1] the node
-- ARGV[1] the version that the decision was based on
-- ARGV[2] the fingerprint of the device
-- Returns 1 if done, 0 if the node has changed in the meantime
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
  return 0
end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'device', ARGV[2])
redis.call('HDEL', KEYS[1], 'retiredAt')
redis.call('PERSIST', KEYS[1])
return 1
