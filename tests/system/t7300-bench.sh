#!/usr/bin/env bash
# t7300-bench.sh - the programs that `make bench` measures with do their work, at a tiny size; nothing is timed here
. tests/tap/tap.sh
need sqlite3

floor=$B/bench/wf-bench-floor
seconds() { "$@" >"$T/out" && grep -qE '^(seconds|spawn_seconds) [0-9.]+$' "$T/out"; }
ok "the spawn loop" seconds "$floor" spawn 10 2
ok "the chain" seconds "$floor" chain 3 "$T/chain.db"
is "$(sqlite3 "$T/chain.db" 'SELECT count(*) FROM rows')" 4 "has a commit for each link, and one before"
printf '100\n40000\n' >"$T/sizes"
ok "the commits" seconds "$floor" commits "$T/commits.db" "$T/sizes"
is "$(sqlite3 "$T/commits.db" 'SELECT length(blob) FROM rows WHERE number > 1')" "$(cat "$T/sizes")" "have the sizes that were asked for"
ok "the arrays" seconds "$floor" arrays 10 100
is "$(sed -n 's/^edges //p' "$T/out")" 2400 "have three edges a task, but for the first layers"

ok "transitions through post" seconds "$B/bench/wf-bench-post" "$T/post" 1000 1000
is "$(sed -n 's/^transitions //p' "$T/out")" 4001 "are four a task, and the run's end"
is "$(sqlite3 "$T/post/wf.db" 'SELECT succeeded FROM run')" 1000 "and are all in the database"

# The agent that ends everything at once, and the one that holds: an engine is killed and finds its tasks again.
agent=$WF_STATE_DIR/agents/$(hostname)/local
export WF_LOCAL_CORES=64
mkdir -p "$agent"
chmod 700 "$WF_STATE_DIR"
"$B/bin/wf-fake-agent" --dir "$agent" --quick 64 --hold 500 2>"$T/agent.log" &
agent_pid=$!
trap 'kill "$agent_pid"; tap_clean' EXIT
until_ok 20 "the agent listens" test -S "$agent/s"
printf 'workflow: {name: w}\nsteps:\n  - {name: t, foreach: {i: {range: 500}}, command: /bin/true}\n' >"$T/w.yaml"
ok "all its tasks end" "$WF" submit "$T/w.yaml" --executor local --wait
run=$("$WF" submit "$T/w.yaml" --executor local -q)
until_ok 20 "later ones are held" grep -q 'holds since' "$T/agent.log"
starts() { [ "$(grep -c 'first start at' "$T/agent.log")" -ge "$1" ]; }
engine_pid=$("$WF" engine status --json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -n 1)
kill -9 "$engine_pid"
is_gone() { ! kill -0 "$engine_pid"; }
until_ok 20 "the engine is gone" is_gone
ok "another engine takes the rest" "$WF" engine start
until_ok 20 "and starts more" starts 2
ok "cancel ends what is held" "$WF" cancel "$run"

done_testing
