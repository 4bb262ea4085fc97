-- The XMPP server of `docker compose up`, for trying pushmesh out: no TLS, no other servers, accounts with known passwords.
-- It is not started if you use your own XMPP server, see docker-compose.yml.
data_path = "/var/lib/prosody"
certificates = "/etc/prosody/certs"
interfaces = { "*" }
c2s_ports = { 5222 }
-- The port is not published: only the gateway reaches it.
component_ports = { 5347 }
component_interfaces = { "*" }
s2s_ports = {}
legacy_ssl_ports = {}
http_ports = {}
https_ports = {}
modules_disabled = { "s2s", "tls" }
modules_enabled = { "disco", "roster", "saslauth", "ping", "offline", "smacks", "carbons", "cloud_notify" }
authentication = "internal_hashed"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
limits = {}
smacks_hibernation_time = 60
-- The notification contains the sender and the text instead of a placeholder.
push_notification_with_body = true
push_notification_with_sender = true
log = { warn = "*console" }

VirtualHost "localhost"

Component "push.localhost"
  component_secret = ENV_XMPP_COMPONENT_SECRET
