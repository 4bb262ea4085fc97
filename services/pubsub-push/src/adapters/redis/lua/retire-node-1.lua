-- Marks a push node as retired if it still has the given version, and lets it expire.
-- KEYS[1] the node
-- ARGV[1] the version that the evidence is about
-- ARGV[2] the time since which the device is gone, ms since 1970
-- ARGV[3] how long to remember the node, ms
-- Returns 1 if done, 0 if the node has changed in the meantime
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'retiredAt', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
