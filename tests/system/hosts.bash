# hosts.bash - more hosts than there are: a process and a host name namespace each; sourced after tests/tap/tap.sh
#
#     host NAME             from now on `on NAME COMMAND...` runs it there: other processes are not seen, the files are the same
#     hosts_end             ends every process of every one of them
#
# One kernel serves them all, so a unix socket reaches from one to the other, which no real network file system lets it do: where a
# test means another host's client, it takes the socket's name away first.
need unshare
need nsenter
declare -A host_pid=()
host() {
	unshare --pid --uts --mount-proc --fork --kill-child sh -c 'hostname "$1"; touch "$2"; exec sleep infinity' sh "$1" "$T/.host.$1" 2>/dev/null &
	host_holders="${host_holders-} $!"
	until [ -e "$T/.host.$1" ]; do
		kill -0 $! || { echo "Bail out! no namespaces here: this test needs root"; exit 1; }
		read -r -t 0.02 <>"$T/.tick" || :
	done
	host_pid[$1]=$(pgrep -P $!)
}
on() {
	local pid=${host_pid[$1]}
	shift
	nsenter -t "$pid" --pid --uts --mount -- sh -c 'cd "$1" || exit 1; shift; exec "$@"' sh "$PWD" "$@"
}
hosts_end() {
	local p
	for p in "${host_pid[@]}"; do kill -9 "$p" 2>/dev/null; done
	# shellcheck disable=SC2086
	wait ${host_holders-} 2>/dev/null
}
trap 'hosts_end; tap_clean' EXIT
