-- Removes one registration of a user, or all registrations for one service.
-- KEYS[1] the user's registrations, a hash
-- ARGV[1] the service
-- ARGV[2] the field of the registration, '' for all registrations for the service
-- Returns how many were removed
if ARGV[2] ~= '' then
  return redis.call('HDEL', KEYS[1], ARGV[2])
end
local removed = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if cjson.decode(field)[1] == ARGV[1] then
    removed = removed + redis.call('HDEL', KEYS[1], field)
  end
end
return removed
