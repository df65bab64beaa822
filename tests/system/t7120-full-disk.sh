#!/usr/bin/env bash
# t7120-full-disk.sh - the state directory lies on a small file system that fills up while a run goes on: a real tmpfs, a real ENOSPC
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
. tests/system/hostile.bash
export WF_LOCAL_CORES=2
mkdir "$T/disk"
mount -t tmpfs -o size=40m,mode=0755 wf-test "$T/disk" || { echo "Bail out! cannot mount a tmpfs at $T/disk; this test needs root"; exit 1; }
export WF_STATE_DIR=$T/disk/state
disk_clean() {
	local p
	"$WF" engine stop >/dev/null 2>&1
	p=$(agent "$T/disk") && [ -n "$p" ] && kill -9 "$p"
	umount -l "$T/disk"
	tap_clean
}
trap disk_clean EXIT
cat >run.yaml <<'YAML'
workflow: {name: full}
services: [{name: db, type: REDIS, attributes: {memory: 1MiB}}]
steps:
  - name: a
    foreach: {i: {range: 6}}
    argv: [./body.sh]
    services: [db]
  - name: b
    after: [{step: a, each: true}]
    argv: [./body.sh]
YAML
printf 'workflow: {name: small}\nsteps: [{name: a, argv: ["true"]}]\n' >small.yaml
fill() { dd if=/dev/zero of="$T/disk/filler.$1" bs=64k 2>/dev/null; dd if=/dev/zero of="$T/disk/filler.$1.end" bs=512 2>/dev/null; sync -f "$T/disk"; }
acknowledged=
# What is taken is acknowledged and must be there at the end; at last one is refused.
submit_until_refused() {
	local n=0 id
	while [ $n -lt 200 ]; do
		id=$("$WF" submit small.yaml --executor local -q 2>"$T/.err") || { rc=$?; err=$(cat "$T/.err"); out=$id; return; }
		acknowledged="$acknowledged $id"
		n=$((n + 1))
	done
	rc=0 out= err="200 submits were taken"
}
full() { status '.attention[].kind' | grep -q full; }

touch hold
submit run.yaml
main=$run
until_ok 20 "two tasks run" count_is '.state == "running"' 2

# ---- full: the engine has its ballast -----------------------------------------------------------------------------
fill one
submit_until_refused
is "$rc" 10 "on a full disk a submit is refused with exit 10"
has "$err" "no space left" "and says why"
has "$err" "free some" "and what to do"
touch go
recorded() { [ "$(lines end)" -ge 2 ] && [ "$(lines end)" = "$(lines start)" ] && count_is '.state == "succeeded"' "$(lines end)"; }
until_ok 20 "the outcomes of running tasks are recorded" recorded
started=$(lines start)
until_ok 10 "the run says that the disk is full" full
has "$("$WF" explain "$main" 'a[5]')" "full" "explain says why the rest waits"
ok "wf status answers" "$WF" status
kill -9 "$(engine)"
ok "an engine started on the full disk serves" "$WF" status "$main"
is "$(count '.state == "succeeded"') $(lines start)" "$started $started" "what was recorded is there, and nothing new is started"
exits 10 "it refuses submits too" "$WF" submit small.yaml --executor local -q

# ---- room: it goes on by itself ------------------------------------------------------------------------------------
rm -f "$T"/disk/filler.*
ok "with room again the run ends by itself" "$WF" wait "$main" --timeout 60
is "$(lines start) $(lines end) $(lines twice)" "12 12 0" "every task ran once"
is "$(service state)" stopped "its service is stopped"

# ---- not even the ballast is left -----------------------------------------------------------------------------------
fresh
touch hold
until_ok 20 "submits are taken again" "$WF" submit small.yaml --executor local -q
submit run.yaml
until_ok 20 "two tasks run again" count_is '.state == "running"' 2
fill one
submit_until_refused
is "$rc" 10 "full again"
fill two
fill three
touch go
ended() { [ "$(lines end)" -ge 2 ]; }
until_ok 20 "the running tasks end on a disk without a byte" ended
kill -9 "$(engine)"
ok "an engine started without a byte serves" "$WF" status "$run"
rm -f "$T"/disk/filler.*
ok "with room again the second run ends by itself" "$WF" wait "$run" --timeout 60
is "$(lines start) $(lines end) $(lines twice)" "12 12 0" "every task ran once again"
is "$(count '.attempt != 1')" 0 "none has a second attempt"
lost=0
for id in $acknowledged; do "$WF" wait "$id" --timeout 20 >/dev/null 2>&1 || { lost=$((lost + 1)); echo "# lost: $id"; }; done
is "$lost" 0 "every run that was acknowledged is there and has ended ($(echo "$acknowledged" | wc -w))"
until_ok 5 "no process is left" none_left
ok "the events rebuild what is stored" sh -c "'$WF' engine stop && '$WF' engine recover --rebuild --check"
done_testing
