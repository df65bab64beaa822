#!/usr/bin/env bash
# t7130-fault-points.sh - engine and agent are killed at fault points of a run of six tasks with a service, one death a run
#
# The first pass logs every point that is passed; a seeded choice of them is then swept. WF_SWEEP_SEED and WF_SWEEP_HITS
# (0: all) ask for another choice. Needs a build with fault points: $B itself, $B/asan (made by `make check`), or one is made.
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
with_faults() { grep -qa WF_FAULT_LOG "$1/bin/wf-engine" 2>/dev/null; }
for d in "$B" "$B/asan" "$B/faults"; do with_faults "$d" && break; done
with_faults "$d" || make -s B="$d" FAULTS=1 all >"$T/make" 2>&1 || { cat "$T/make"; echo "Bail out! no build with fault points"; exit 1; }
WF=$d/bin/wf
. tests/system/hostile.bash
seed=${WF_SWEEP_SEED:-7} hits=${WF_SWEEP_HITS:-20}
cat >run.yaml <<'YAML'
workflow: {name: six}
services: [{name: db, type: REDIS}]
steps:
  - {name: a, foreach: {i: {range: 3}}, argv: [./body.sh], services: [{name: db, access: RO}]}
  - {name: b, after: [{step: a, each: true}], argv: [./body.sh]}
YAML
# The agent is there before the engine that is to die, so that an engine's points are the engine's alone.
with_agent() {
	export WF_STATE_DIR=$T/$1
	fresh
	"$WF" submit run.yaml --executor local --wait -q >/dev/null || return 1
	"$WF" engine stop >/dev/null
	fresh
}
choose() { # of lines "point:hit", the first hit of every point and then by the seed
	sort -u | awk -v seed="$seed" -v n="$1" 'BEGIN { srand(seed) } { print rand(), $0 }' | sort | cut -d' ' -f2 |
		if [ "$1" -gt 0 ]; then head -n "$1"; else cat; fi
}
passed() { awk '{ print $1 ":" ++n[$1] }' "$T/points"; }

over() { status '.ended_at' | grep -qv null; }
# After a death: the same submit again, under its key, is the same run; whatever serves now is a program without a fault.
survive() { # label max-attempts
	local problem=
	run=$("$WF" submit run.yaml --executor local --key sweep -q 2>"$T/.err") || problem="submit: $(cat "$T/.err")"
	[ -n "$problem" ] || "$WF" wait "$run" --timeout 30 >/dev/null 2>"$T/.err" || problem="wait: $(cat "$T/.err")"
	[ "$(lines twice)" = 0 ] || problem="$problem; two attempts at one time"
	[ "$(awk '$1 == "end" { print $2 }' ledger | sort -u | wc -l)" = 6 ] || problem="$problem; not every task came to its end"
	if [ "$2" = 1 ]; then
		[ "$(lines start)" = 6 ] && [ "$(lines end)" = 6 ] || problem="$problem; $(lines start) starts, $(lines end) ends"
	fi
	[ "$(lines unreachable)" = 0 ] || problem="$problem; the service did not answer"
	[ -n "$problem" ] || [ "$(service state)" = stopped ] || problem="the service is $(service state)"
	"$WF" engine stop >/dev/null 2>&1
	"$WF" engine recover --rebuild --check >"$T/.check" 2>&1 || problem="$problem; $(cat "$T/.check")"
	[ -z "$problem" ] || { printf '# %s: %s\n# ledger: %s\n' "$1" "$problem" "$(tr '\n' , <ledger)"; [ -z "${WF_SWEEP_KEEP-}" ] || cp -r "$WF_STATE_DIR" "$WF_SWEEP_KEEP"; }
	out= err=$problem
	[ -z "$problem" ]
	tap_report $? "$1"
}

# ---- the engine ------------------------------------------------------------------------------------------------------
with_agent log || { echo "Bail out! the run does not even end undisturbed"; exit 1; }
WF_FAULT_LOG=$T/points "$WF" engine start >/dev/null
WF_FAULT_LOG='' submit run.yaml --key sweep
"$WF" wait "$run" --timeout 30 >/dev/null
"$WF" engine stop >/dev/null
all=$(passed)
ok "the engine passes fault points ($(echo "$all" | wc -l))" test "$(echo "$all" | wc -l)" -gt 100
epoch() { find "$WF_STATE_DIR/epochs" -mindepth 1 -maxdepth 1 -name "[0-9]*" | wc -l; }
n=0 deaths=0
for at in $(echo "$all" | choose "$hits"); do
	n=$((n + 1))
	with_agent "e$n"
	before=$(epoch)
	WF_FAULT="$at=kill" "$WF" engine start >/dev/null 2>&1
	"$WF" submit run.yaml --executor local --key sweep --wait >/dev/null 2>&1
	survive "the engine dies at $at" 1
	# Its own epoch and that of whoever came after it.
	[ "$(epoch)" -lt $((before + 2)) ] || deaths=$((deaths + 1))
	pid=$(agent) && [ -n "$pid" ] && kill -9 "$pid"
	rm -rf "$WF_STATE_DIR"
	[ -z "${WF_SWEEP_TIMES-}" ] || echo "# $SECONDS s"
done
ok "it did die, nearly always ($deaths of $n)" test $((deaths * 4)) -ge $((n * 3))

# ---- the agent: what ran may run again, never two at one time ---------------------------------------------------------------
host=$("$WF" engine status --json | jq -r '.host // empty')
export WF_STATE_DIR=$T/alog deaths=0 agents=0
fresh
rm -f "$T/points"
WF_FAULT_LOG=$T/points "$WF" engine start >/dev/null
submit run.yaml --key sweep
"$WF" wait "$run" --timeout 30 >/dev/null
"$WF" engine stop >/dev/null
all=$(passed | grep '^agent\.')
ok "the agent passes fault points ($(echo "$all" | wc -l))" test "$(echo "$all" | wc -l)" -gt 40
for at in $(echo "$all" | choose "$((hits / 2))"); do
	n=$((n + 1))
	export WF_STATE_DIR=$T/a$n
	fresh
	# Started by hand, and found by the engine: the first agent alone is to die, the next has no fault in its environment.
	dir=$WF_STATE_DIR/agents/$host/local
	mkdir -p -m 700 "$WF_STATE_DIR" "$WF_STATE_DIR/agents" "$WF_STATE_DIR/agents/$host" "$dir"
	chmod 700 "$WF_STATE_DIR" "$WF_STATE_DIR/agents" "$WF_STATE_DIR/agents/$host"
	WF_FAULT="$at=kill" setsid "$d/bin/wf-agent-local" --dir "$dir" >/dev/null 2>&1 &
	disown
	pid=$!
	until [ -S "$dir/s" ] || gone $pid; do read -r -t 0.02 <>"$T/.tick" || :; done
	run=$("$WF" submit run.yaml --executor local --key sweep -q)
	until [ -z "$run" ] || gone $pid || over; do read -r -t 0.02 <>"$T/.tick" || :; done
	gone $pid && deaths=$((deaths + 1))
	agents=$((agents + 1))
	survive "the agent dies at $at" 9
	pid=$(agent) && [ -n "$pid" ] && kill -9 "$pid"
	rm -rf "$WF_STATE_DIR"
	[ -z "${WF_SWEEP_TIMES-}" ] || echo "# $SECONDS s"
done
ok "they did die, nearly always ($deaths of $agents)" test $((deaths * 4)) -ge $((agents * 3))
until_ok 5 "no process is left" none_left
done_testing
