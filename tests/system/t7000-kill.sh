#!/usr/bin/env bash
# t7000-kill.sh - the engine is killed with -9 twenty times in a run of 300 tasks with a service: every task runs exactly once
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
need redis-server

mkdir -p "$T/work"
cat >"$T/work/kill.yaml" <<'YAML'
workflow: {name: kill}
services:
  - name: db
    type: REDIS
steps:
  - name: first
    foreach: {i: {range: 150}}
    # One line a start, in one write: the ledger of what really ran.
    command: echo "first $WF_INDEX" >> ledger; sleep 0.05
    services: [db]
  - name: second
    after: [{step: first, each: true}]
    command: echo "second $WF_INDEX" >> ledger; sleep 0.05
    services: [db]
YAML

run=$(cd "$T/work" && "$WF" submit kill.yaml --executor local -q) || echo "# submit failed: $run"
ok "a run of 300 tasks is submitted" test -n "$run"

running() { "$WF" status "$run" --json | jq -e '.state == "running"'; }
over() { "$WF" status "$run" --json | jq -e '.ended_at != null'; }
done_more_than() { [ "$("$WF" status "$run" --json | jq '.counts.succeeded')" -gt "$1" ]; }

kills=0 last=-1
while [ $kills -lt 20 ]; do
	pid=$("$WF" engine status --json | jq -r 'select(.running) | .pid')
	[ -n "$pid" ] || { "$WF" engine start >/dev/null 2>&1; continue; }
	kill -9 "$pid"
	kills=$((kills + 1))
	"$WF" engine start >"$T/start" 2>&1 || { cat "$T/start"; break; }
	now=$("$WF" status "$run" --json | jq '.counts.succeeded')
	[ "$now" -ge "$last" ] || echo "# $last tasks had succeeded, now $now"
	[ "$now" -ge "$last" ] || break
	last=$now
	# Let it get on, by an event: a few more tasks done.
	[ "$last" -ge 285 ] || until_ok 30 "it goes on after kill $kills" done_more_than $((last + 5))
done
is "$kills" 20 "the engine was killed 20 times, and nothing done was undone"
ok "the run ends well" "$WF" wait "$run" --timeout 120
is "$("$WF" status "$run" --json | jq -c '[.state, .counts.succeeded, .counts.total]')" '["succeeded",300,300]' "all 300 succeeded"
is "$(wc -l <"$T/work/ledger")" 300 "300 starts in all"
is "$(sort "$T/work/ledger" | uniq -d | wc -l)" 0 "no task started twice"
is "$("$WF" tasks "$run" --json | jq '[.items[] | select(.attempt != 1)] | length')" 0 "no task has a second attempt"
is "$("$WF" services "$run" --json | jq -c '[.items[] | [.name, .state, .generation]]')" '[["db","stopped",1]]' \
	"the service was founded once and is stopped"
ok "the events rebuild what is stored" sh -c "'$WF' engine stop && '$WF' engine recover --rebuild --check"
done_testing
