#!/usr/bin/env bash
# t7190-million.sh - a million tasks in less than 200 MB, whatever is done with them: submitted, started, canceled, retried, read again
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
mkdir -p "$T/w"
cd "$T/w" || exit 1

engine() { "$WF" engine status --json | jq -r 'select(.running) | .pid'; }
status() { "$WF" status "$run" --json | jq -rc "$1"; }
runs() { [ "$(status .counts.running)" -ge 1 ]; }
gone() { ! kill -0 "$1" 2>/dev/null; }
# The most it ever took.
fits() { ok "$1: $(most) bytes" test "$(most)" -lt 200000000; }
most() { awk '$1 == "VmHWM:" { print $2 * 1024 }' "/proc/$(engine)/status"; }

live() { # file
	local pid
	"$WF" engine start >/dev/null
	run=$("$WF" submit "$1" --executor local -q)
	is "$(status .counts.total)" 1000000 "$1: a million tasks"
	until_ok 60 "some run" runs
	fits "submitted and started"
	ok "cancel all" "$WF" cancel "$run"
	exits 9 "all are canceled" "$WF" wait "$run" --timeout 60
	is "$(status .counts.canceled)" 1000000 "every one"
	ok "retry all" "$WF" retry "$run"
	until_ok 60 "some run again" runs
	fits "canceled and retried"
	pid=$(engine)
	kill -9 "$pid"
	until_ok 20 "killed" gone "$pid"
	ok "the next engine" "$WF" engine start
	until_ok 60 "takes them over" runs
	"$WF" cancel "$run" >/dev/null
	exits 9 "and cancels all" "$WF" wait "$run" --timeout 60
	is "$(status .counts.canceled)" 1000000 "every one, again"
	ok "stop, after all is written" "$WF" engine stop
	ok "the events say the same" "$WF" engine recover --rebuild --check
	"$WF" engine start >/dev/null
	ok "retry all that must be read" "$WF" retry "$run"
	until_ok 60 "some run" runs
	fits "read and retried"
	"$WF" cancel "$run" >/dev/null
	exits 9 "and again" "$WF" wait "$run" --timeout 60
	fits "canceled"
	ok "forgotten" "$WF" rm "$run"
	"$WF" engine stop >/dev/null
}

cat >flat.yaml <<'YAML'
workflow: {name: flat}
steps:
  - {name: a, foreach: {i: {range: 1000000}}, argv: [sleep, "600"], parallel: 1}
YAML
live flat.yaml

cat >each.yaml <<'YAML'
workflow: {name: each}
steps:
  - {name: a, foreach: {i: {range: 250000}}, argv: [sleep, "600"], parallel: 1}
  - {name: b, foreach: {i: {range: 250000}}, argv: [sleep, "600"], parallel: 1}
  - {name: c, foreach: {i: {range: 250000}}, argv: [sleep, "600"], parallel: 1}
  - {name: d, after: [{step: a, each: true}, {step: b, each: true}, {step: c, each: true}], argv: [sleep, "600"]}
YAML
live each.yaml
done_testing
