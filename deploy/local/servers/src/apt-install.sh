#!/bin/sh
# Installs Debian packages of servers (the arguments), but only their programs: no service is started, now or at
# the next boot, and nothing is left listening. Services that were installed before are not touched.
set -eu
export DEBIAN_FRONTEND=noninteractive
# Installing ejabberd starts Erlang's port mapper (epmd), by default on all interfaces.
export ERL_EPMD_ADDRESS=127.0.0.1

# Two test runs may get here at the same time; the second one then finds everything installed.
exec 9>/run/lock/pushmesh-install.lock
flock 9

epmds() {
  for process in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$process/comm" && [ "$name" = epmd ] && echo "${process#/proc/}"
  done
  return 0
}

new=''
for package; do
  dpkg -s "$package" >/dev/null 2>&1 || new="$new $package"
done
epmds_before=" $(epmds | tr '\n' ' ')"

# Debian runs this file before it starts a newly installed service; exit status 101 means: do not start it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

# A broken third-party source must not stop the installation; if lists really are missing, the next command fails.
apt-get update -q || true
apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" 9>&-

for package in $new; do
  systemctl disable "$package" >/dev/null 2>&1 || true
done
for pid in $(epmds); do
  case $epmds_before in
    *" $pid "*) ;;
    *) kill -KILL "$pid" || true ;;
  esac
done
