-- Marks one version of a push node as retired; it is forgotten later.
-- KEYS[1] the node
-- ARGV[1] the version the evidence is about
-- ARGV[2] since when the device is gone, ms
-- ARGV[3] how long to remember the node, ms
-- Returns 1 done, 0 changed meanwhile
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'retiredAt', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
