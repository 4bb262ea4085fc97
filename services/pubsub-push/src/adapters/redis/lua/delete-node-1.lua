-- Deletes one version of a push node.
-- KEYS[1] the node
-- ARGV[1] the version
-- Returns 1 done, 0 changed meanwhile
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
return 1
