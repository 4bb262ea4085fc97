-- Deletes a push node if it still has the given version.
-- KEYS[1] the node
-- ARGV[1] the version
-- Returns 1 if done, 0 if the node has changed in the meantime
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
return 1
