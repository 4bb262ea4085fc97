-- Writes fields of one version of a push node that is not retired: next version.
-- KEYS[1] the node
-- ARGV[1] the version it was decided on
-- ARGV[2…] fields and values
-- Returns 1 done, 0 changed meanwhile
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] or redis.call('HEXISTS', KEYS[1], 'retiredAt') == 1 then
  return 0
end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
