-- Stores a push node that does not exist yet, or replaces exactly one version of it.
-- KEYS[1] the node
-- ARGV[1] the version to replace, '' if the node must not exist
-- ARGV[2…] fields and values
-- Returns 1 if done, 0 if the node has changed in the meantime
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
