#!/bin/sh
# Installs Debian packages of servers (the arguments) so that only the programs arrive: no service is started,
# now or at the next boot, and nothing is left listening. Services that were there before are not touched.
set -eu
export DEBIAN_FRONTEND=noninteractive
# ejabberd's installation starts Erlang's port mapper, by default on all interfaces.
export ERL_EPMD_ADDRESS=127.0.0.1

# Two test runs may meet here; the second one then finds everything done.
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

# Debian asks this file before it starts a service at installation; 101 means: do not.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

# A broken third-party source must not stop us; if the lists really are missing, the next command says so.
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
