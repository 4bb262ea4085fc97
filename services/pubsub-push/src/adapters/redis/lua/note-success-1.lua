-- Notes a delivered push on one version of a push node; nothing when the node changed or is gone.
-- KEYS[1] the node
-- ARGV[1] the version
-- ARGV[2] when, ms
-- Returns 1 done, 0 changed meanwhile
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'lastSuccessAt', ARGV[2])
return 1
