#!/bin/bash
# plain.sh DIR - the same programs without wf: a shell, two members at a time, a Redis of its own.
#
# DIR is made, and gets its own table.tsv and crack.png; run beside a built example (make). The
# results are the same, to the bit, as those of the workflow with its default parameters.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
rates=(0.008 0.012 0.016 0.024)
seeds=(11 12 13 14 15 16)
show=0.008-11

[ $# = 1 ] || { echo "usage: plain.sh DIR" >&2; exit 64; }
[ -x "$here/bin/picture" ] || { echo "plain.sh: no programs in $here/bin; run make first" >&2; exit 69; }
mkdir -p "$1"
cd "$1"
unset CRACK_LEDGER

# The socket's directory is short and its own: a path of DIR might not fit into a socket address.
store=$(mktemp -d "${TMPDIR:-/tmp}/crack.XXXXXX")
export REDIS_SOCKET=$store/s
redis-server --port 0 --unixsocket "$REDIS_SOCKET" --save '' --dir "$store" > "$store/log" 2>&1 &
redis=$!
trap 'kill $redis 2>/dev/null; wait $redis 2>/dev/null || true; rm -rf "$store"' EXIT
for _ in $(seq 100); do
	if [ "$(redis-cli -s "$REDIS_SOCKET" ping 2>/dev/null)" = PONG ]; then break; fi
	kill -0 $redis 2>/dev/null || { cat "$store/log" >&2; exit 69; }
	sleep 0.05
done

member() {	# RATE SEED
	mkdir -p "member/$1-$2"
	cd "member/$1-$2"
	"$here/md.sh" -in "$here/in.crack" -var rate "$1" -var seed "$2" > md.log
	"$here/bin/bonds" "$1" "$2" dump.crack bonds.tsv > bonds.log
	"$here/bin/csym" "$1" "$2" dump.crack "$here/thresholds.txt" csym.tsv > csym.log
	"$here/bin/cna" "$1" "$2" dump.crack cna.tsv > cna.log
}
export -f member
export here

"$here/md.sh" -in "$here/in.prepare" > prepare.log
for rate in "${rates[@]}"; do
	for seed in "${seeds[@]}"; do
		echo "$rate $seed"
	done
done | xargs -P 2 -n 2 bash -euo pipefail -c 'member "$@"' member
"$here/bin/gather" --table table.tsv --rates "${rates[@]}" --seeds "${seeds[@]}"
"$here/bin/picture" --table table.tsv --show $show --out crack.png
