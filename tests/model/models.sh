#!/usr/bin/env bash
# models.sh - the protocols, explored by spin: what must hold holds, what must be possible is found, and each rule that is left out is missed
#
# Each row of the table is explored on its own: `holds` wants no violation in all states, `found` and `missed` want one. A row of `big` is explored only
# with WF_MODEL_BIG set (make check-model). The heads of the .pml files say what the words mean. WF_MODEL_LIMIT: seconds for one row.
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need spin
need gcc
limit=${WF_MODEL_LIMIT:-600}

# model; what must be found; what must be missed
table() {
	cat <<'T'
local     | LATE AWAY RESENT REDONE ORPHAN | NO_MARK NO_REATTACH EFFECT_FIRST ACK_FIRST NO_JOURNAL NO_SWEEP MARK_FORGOT
takeover  | WAKES AGAIN HIDES THIRD | NO_REREAD NO_LOOK COPY_FIRST IN_PLACE BY_NAME SOURCE_FIRST NO_WHOLE
submit    | LATE SPOOL ADOPT FORGOT ENDED CUT HEALED | NO_CLAIM NO_INTENT NO_LAPSE NO_SPOOL CLAIM_FIRST REVOKES REQUEUE
heartbeat | ENDS SURVIVES PROVEN RESTARTED | NO_KILL LATE_KILL EARLY KEEP_AGE ANY_WRITE VERDICT OWN_CLOCK SLOW=1
T
}
rows() {
	local m found missed r w
	table | while IFS='|' read -r m found missed; do
		echo "holds $m"
		r=0
		for w in $found; do r=$((r + 1)); echo "found $m -DREACHED=$r:$w"; done
		for w in $missed; do echo "missed $m -D$w"; done
	done
	echo "holds submit -DDOUBT"
	[ -n "${WF_MODEL_BIG-}" ] || return 0
	echo "holds local -DA=3 -DENGINE_DEATHS=2 -DAGENT_DEATHS=1 -DBREAKS=1"
	echo "holds takeover -DSECOND -DONE_TAKER"
	echo "holds takeover -DCOMMANDS=2 -DKILLS=0"
	echo "holds submit -DA=3 -DFAILS=0 -DCUTS=0"
	echo "holds heartbeat -DL=16 -DCUTS=3 -DRESTARTS=2"
	echo "holds heartbeat -DCACHE=3 -DCUTS=3"
}

# One row, in a directory of its own: what came of it in the file `row`.
explore() { # number want model defines
	local dir=$T/$1 want=$2 m=$3 defines= d errors
	shift 3
	for d in "$@"; do defines="$defines ${d%:*}"; done
	mkdir "$dir" && cd "$dir" || return
	# shellcheck disable=SC2086
	spin -a $defines "$ROOT/tests/model/$m.pml" >spin.out 2>&1 &&
		gcc -w -O1 -DSAFETY -DCOLLAPSE -DVECTORSZ=4096 -DMEMLIM=6000 -o pan pan.c 2>gcc.out &&
		timeout "$limit" ./pan -E -m200000 -w24 >out 2>&1
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' out 2>/dev/null)
	{
		case $want:$errors in
		holds:0) grep -q 'max search depth too small\|out of memory' out && echo 1 || echo 0 ;;
		found:1 | missed:1) grep -q 'assertion violated' out && echo 0 || echo 1 ;;
		*) echo 1 ;;
		esac
		printf '%s %s %s: %s states, %s s' "$m" "$want" "$(printf '%s ' "$@" | sed 's/-DREACHED=[0-9]*://g; s/-D//g')" \
			"$(sed -n 's/ *\([0-9e.+]*\) states, stored.*/\1/p' out)" "$(sed -n 's/.*elapsed time \([0-9.e+]*\) seconds/\1/p' out)"
	} >row
	rm -f pan pan.?
}
export -f explore
export T ROOT limit

rows >"$T/rows"
nl -ba -w1 -s' ' "$T/rows" | xargs -P 2 -I{} bash -c 'explore {}'
n=0
while read -r _; do
	n=$((n + 1))
	{ read -r rc; read -r text; } <"$T/$n/row" || :
	out= err=
	[ "$rc" = 0 ] || out=$(cat "$T/$n/spin.out" "$T/$n/gcc.out" "$T/$n/out" 2>/dev/null | head -n 20)
	tap_report "$rc" "$text"
done <"$T/rows"
done_testing
