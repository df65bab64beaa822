#!/usr/bin/env bash
# deps.sh build|demo|check|bench|fuzz - install what that needs, with Debian's apt, when root or sudo without a password is there; otherwise one
# line that names what is missing, and stop
set -euo pipefail

build='gcc make pkg-config libyaml-dev libsqlite3-dev libuv1-dev libjansson-dev libmicrohttpd-dev libcurl4-openssl-dev libxxhash-dev'
demo="$build redis-server redis-tools lammps libpng-dev jq"
check="$demo clang libclang-rt-14-dev sqlite3 shellcheck mandoc strace xz-utils python3 spin"
bench="$build python3 python3-venv ninja-build parallel"
fuzz="$build clang libclang-rt-14-dev afl++"

case ${1-} in
build) want=$build ;;
demo) want=$demo ;;
check) want=$check ;;
bench) want=$bench ;;
fuzz) want=$fuzz ;;
*) echo "usage: deps.sh build|demo|check|bench|fuzz" >&2; exit 2 ;;
esac

missing=
for p in $want; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $p"
done
# Other ways to a tool than Debian's package are as good.
if [ "$1" = check ]; then
	command -v node >/dev/null || missing="$missing nodejs"
	command -v npm >/dev/null || missing="$missing npm"
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	as_root='sudo -n'
else
	echo "missing Debian packages:$missing; install them as root: apt-get install$missing" >&2
	exit 1
fi
command -v apt-get >/dev/null || { echo "missing:$missing; no apt-get here, install them your way" >&2; exit 1; }
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
# redis-server would start a daemon of its own; the policy keeps it from that, and goes again.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod +x $policy
	trap '$as_root rm -f $policy' EXIT
fi
log=$(mktemp)
if ! { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "could not install:$missing" >&2
	exit 1
fi
rm -f "$log"
