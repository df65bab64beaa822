#!/usr/bin/env bash
# t7210-takeover-killed.sh - the taker is killed at each of its points, and the takeover repeated, from the same host or from a third one
#
# Also: an error at its points; a taker that sleeps before it publishes, while another takes over and serves. Needs a build with fault points: $B
# itself, $B/asan (made by `make check`), or one is made.
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
with_faults() { grep -qa WF_FAULT_LOG "$1/bin/wf-engine" 2>/dev/null; }
for d in "$B" "$B/asan" "$B/faults"; do with_faults "$d" && break; done
with_faults "$d" || make -s B="$d" FAULTS=1 all >"$T/make" 2>&1 || { cat "$T/make"; echo "Bail out! no build with fault points"; exit 1; }
WF=$d/bin/wf
. tests/system/hostile.bash
. "$ROOT/tests/system/hosts.bash"
need sqlite3
host login2
host login3
export WF_IDLE=never WF_LEASE=0s
two() { on login2 "$@"; }
three() { on login3 "$@"; }

# ---- what is taken over: acknowledged runs in database and log, a task that runs; its engine was killed ------------------------------
export WF_STATE_DIR=$T/made
printf 'workflow: {name: small}\nsteps: [{name: a, argv: ["true"]}]\n' >small.yaml
printf 'workflow: {name: long}\nsteps: [{name: a, command: ./body.sh}]\n' >long.yaml
touch hold
submit long.yaml --key long
until_ok 20 "a task runs" count_is '.state == "running"' 1
for i in 1 2 3 4 5; do "$WF" submit small.yaml --executor local --key "k$i" --wait -q >/dev/null; done
kill -9 "$(jq .pid "$WF_STATE_DIR/owner")"
rm "$WF_STATE_DIR/socket"
ok "its last commits lie in the log alone" test -s "$WF_STATE_DIR/wf.db-wal"
made=$WF_STATE_DIR
fresh_copy() {
	export WF_STATE_DIR=$T/$1
	cp -a "$made" "$WF_STATE_DIR"
	rm -rf "$WF_STATE_DIR/agents"
}
# Everything that was acknowledged, the task held, one engine, and derived state that follows from the events.
sound() { # host
	local problem= have
	have=$(on "$1" "$WF" ls --json 2>"$T/.err" | jq -r '[.items[].key] | sort | join(" ")')
	[ "$have" = "k1 k2 k3 k4 k5 long" ] || problem="runs: '$have' $(cat "$T/.err")"
	[ "$(on "$1" "$WF" tasks "$run" --json | jq -r '.items[0].state')" = held ] || problem="$problem; the task is not held"
	[ "$(jq -r .host "$WF_STATE_DIR/owner")" = "$1" ] || problem="$problem; the owner is $(cat "$WF_STATE_DIR/owner")"
	on "$1" "$WF" engine stop >/dev/null 2>&1 || problem="$problem; it does not stop"
	on "$1" "$WF" engine recover --rebuild --check >"$T/.check" 2>&1 || problem="$problem; $(cat "$T/.check")"
	cmp -s "$made/wf.db" "$WF_STATE_DIR/wf.db" && cmp -s "$made/wf.db-wal" "$WF_STATE_DIR/wf.db-wal" || problem="$problem; the old files were written to"
	out= err=$problem
	[ -z "$problem" ]
}

# ---- its points --------------------------------------------------------------------------------------------------------------
fresh_copy log
exits 0 "undisturbed" two env WF_FAULT_LOG="$T/points" "$WF" engine start --takeover
sound login2
tap_report $? "nothing is lost"
# From its first step to the commit that says where it is; what follows is any engine's.
points=$(awk '/^core.effects.before/ { exit } { print $1 ":" ++n[$1] }' "$T/points" | grep -v '^core\.\|^api\.\|^agent')
ok "it passes points ($(echo "$points" | wc -l))" test "$(echo "$points" | wc -l)" -gt 30
for want in owner.epoch.before owner.epoch.after takeover.fenced store.take.copy store.take.sync store.take.verify store.take.rename.before takeover.taken; do
	has "$points" "$want:1" "$want is one of them"
done
# Its own points all, the others by turns.
chosen=$(echo "$points" | awk '/^(owner|takeover|store.take)/ || NR % 20 == 0')
n=0 died=0
for at in $chosen; do
	n=$((n + 1))
	fresh_copy "k$n"
	two env WF_FAULT="$at=kill" "$WF" engine start --takeover >/dev/null 2>&1 || died=$((died + 1))
	if [ $((n % 2)) = 0 ]; then h=login3; else h=login2; fi
	on $h "$WF" engine start --takeover >"$T/.start" 2>&1 || sed 's/^/# /' "$T/.start"
	sound $h
	tap_report $? "killed at $at, repeated from $h"
	rm -rf "$WF_STATE_DIR"
done
ok "it did die, nearly always ($died of $n)" test $((died * 4)) -ge $((n * 3))

# ---- not finished: nobody goes on by accident -----------------------------------------------------------------------------------
fresh_copy half
two env WF_FAULT=store.take.verify=kill "$WF" engine start --takeover >/dev/null 2>&1
exits 7 "after half a takeover a command there does not serve what is half" two "$WF" ls
has "$err" "repeat \`wf engine start --takeover\`" "it says how to go on"
exits 7 "nor does one on the host where it was" "$WF" ls
two "$WF" engine start --takeover >/dev/null 2>&1
sound login2
tap_report $? "repeated, all is there"

# ---- errors -----------------------------------------------------------------------------------------------------------------------
n=0
for at in owner.epoch.before=err:5 store.take.copy=err:5 store.take.copy:2=err:28 store.take.sync=err:5 store.take.rename.before=err:5; do
	n=$((n + 1))
	fresh_copy "e$n"
	exits 10 "$at: exit 10" two env WF_FAULT="$at" "$WF" engine start --takeover
	two "$WF" engine start --takeover >/dev/null 2>&1
	sound login2
	tap_report $? "and repeated, all is there"
done
fresh_copy damaged
# A page in the middle, as the log does not have it.
pages=$(($(stat -c %s "$WF_STATE_DIR/wf.db") / 4096))
[ "$pages" -gt 3 ] && dd if=/dev/zero of="$WF_STATE_DIR/wf.db" bs=4096 seek=$((pages - 1)) count=1 conv=notrunc 2>/dev/null
rm "$WF_STATE_DIR/wf.db-wal"
exits 10 "a damaged database is not served" two "$WF" engine start --takeover
has "$err" "wf.db" "which is said"

# ---- a taker that sleeps between its epoch and its name, while another serves --------------------------------------------------------
fresh_copy sleeper
two env WF_FAULT=owner.epoch.after=stop "$WF" engine start --takeover >"$T/sleeper.out" 2>&1 &
waits=$!
until_ok 20 "it has its epoch" test -e "$WF_STATE_DIR/epochs/2/owner"
stopped() { sleeper=$(pgrep -f "wf-engine.*$WF_STATE_DIR --takeover" | while read -r p; do grep -q '^State:.T' "/proc/$p/status" && echo "$p"; done) && [ -n "$sleeper" ]; }
until_ok 20 "and sleeps" stopped
exits 0 "another host takes over" three "$WF" engine start --takeover
exits 0 "and is told something" three "$WF" submit "$PWD/small.yaml" --executor local --key new --wait
rm "$WF_STATE_DIR/socket"
kill -CONT "$sleeper"
wait $waits
has "$(cat "$T/sleeper.out")" "another engine" "who wakes up sees that it is too late"
until_ok 20 "it has ended" gone "$sleeper"
# It put its name over the other's: that one ends at its next look, and is followed.
last=$(pgrep -f "wf-engine.*$WF_STATE_DIR --takeover" | tail -n 1)
[ -z "$last" ] || kill -TERM "$last"
until_ok 20 "the other ends as well" gone "${last:-1000000}"
exits 0 "the next takeover" three "$WF" engine start --takeover
is "$(three "$WF" ls --json | jq -r '[.items[].key] | sort | join(" ")')" "k1 k2 k3 k4 k5 long new" "has what the other was told"
three "$WF" engine stop >/dev/null

for p in $(left); do kill -9 "$p"; done
pid=$(agent "$made") && kill -9 "$pid"
hosts_end
done_testing
