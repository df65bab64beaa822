# hostile.bash - what the hostile system tests share; sourced after tests/tap/tap.sh, in a directory of its own below $T.
#
#     submit FILE...    $run is the new run; a submit that is refused ends the test, loudly
#     engine, agent     their pids
#     left              pids of what was started below $T and lives: services' hosts, redis, tasks; redis_pid: the redis among them
#
# body.sh is a task's command: it holds a lock as long as any process of it lives, so that two attempts of one task at the same time meet and say
# so, and writes `start ID ATTEMPT PID` and `end ...` lines into ledger. While `hold` exists it waits for `go`.
need jq
need redis-server
need redis-cli
need flock
mkdir -p "$T/w"
cd "$T/w" || exit 1

submit() {
	run=$("$WF" submit "$@" --executor local -q) || { echo "Bail out! $* was refused"; exit 1; }
}
engine() { "$WF" engine status --json | jq -r 'select(.running) | .pid'; }
agent() { pgrep -f "wf-agent-local.*${1:-$WF_STATE_DIR}" | head -n 1; }
agent_is_other() { local now; now=$(agent) && [ -n "$now" ] && [ "$now" != "$1" ]; }
status() { "$WF" status "$run" --json | jq -rc "$1"; }
is_status() { [ "$(status "$1")" = "$2" ]; }
tasks() { "$WF" tasks "$run" --json | jq -rc "$1"; }
count() { tasks "[.items[] | select($1)] | length"; }
count_is() { [ "$(count "$1")" = "$2" ]; }
service() { "$WF" services "$run" --json | jq -rc ".items[0].$1"; }
is_service() { [ "$(service "$1")" = "$2" ]; }
zombie() { grep -qs '^State:.Z' "/proc/$1/status"; }
gone() { ! kill -0 "$1" 2>/dev/null || zombie "$1"; }
all_gone() { local p; for p in "$@"; do gone "$p" || return 1; done; }
left() {
	local p
	for p in $(pgrep -f "wf-service|redis-server|body.sh"); do
		# Redis writes its title over its environment; it stands in its directory, though.
		case $(readlink "/proc/$p/cwd") in "$T"/*) ;; *) continue ;; esac
		zombie "$p" || echo "$p"
	done
	:
}
redis_pid() { local p; for p in $(left); do [ "$(cat "/proc/$p/comm")" = redis-server ] && echo "$p"; done; }
none_left() { [ -z "$(left)" ]; }
lines() { grep -c "^$1" ledger || :; }

cat >body.sh <<'B'
#!/bin/bash
exec 9>>"lock.$WF_TASK_ID"
flock -n 9 || echo "twice $WF_TASK_ID $WF_ATTEMPT" >>ledger
echo "start $WF_TASK_ID $WF_ATTEMPT $$" >>ledger
if [ -n "${REDIS_SOCKET-}" ]; then redis-cli -s "$REDIS_SOCKET" ping >/dev/null || echo "unreachable $WF_TASK_ID" >>ledger; fi
if [ -e hold ]; then until [ -e go ]; do sleep 0.02; done; fi
echo "end $WF_TASK_ID $WF_ATTEMPT $$" >>ledger
B
chmod +x body.sh
fresh() { rm -f go hold ledger lock.*; : >ledger; }
fresh
