-- Stores or replaces one registration of a user.
-- KEYS[1] the user's registrations, a hash
-- ARGV[1] the field: JSON [service, node]
-- ARGV[2] the registration, JSON
-- ARGV[3] how many registrations a user may have
-- Returns 1 if done, 0 if there would be too many
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
