#!/usr/bin/env bash
# t3100-limits.sh - tasks get the umask and the resource limits of the shell that submitted them
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
mkdir -p "$T/w"
cd "$T/w" || exit 1
cat >show.yaml <<'YAML'
workflow: {name: show}
steps:
  - {name: a, command: "ulimit -Sn; ulimit -Sf; ulimit -Sc; ulimit -Hc; ulimit -Ss; umask; test $WF_ATTEMPT = 2"}
YAML
limits() { "$WF" logs @last a | tr '\n' ' '; }
# What autostart left of this shell's own, for what is not asked for.
stack=$(ulimit -Ss) hard=$(ulimit -Hc)

exits 1 "a task of a shell with low limits" bash -c "ulimit -Sn 177; ulimit -Sf 1000; ulimit -Sc 0; umask 027; '$WF' submit show.yaml --executor local --wait"
is "$(limits)" "177 1000 0 $hard $stack 0027 " "has them"
pid=$("$WF" engine status --json | jq -r '.pid')
is "$(awk '/Max file size/ { print $4 == $5 }' "/proc/$pid/limits")" 1 "the engine that this shell started is not held to them"
"$WF" engine stop >/dev/null
ok "retried after another engine has read it" "$WF" retry @last
ok "it ends" "$WF" wait @last
is "$(limits)" "177 1000 0 $hard $stack 0027 " "as it was submitted"

exits 1 "another shell, another run" bash -c "ulimit -Sn 188; ulimit -Ss 4000; '$WF' submit show.yaml --executor local --wait"
has "$(limits)" "188 " "each has its own"
has "$(limits)" " 4000 " "among them any"

exits 1 "hard limits" bash -c "ulimit -n 199; ulimit -c 0; '$WF' submit show.yaml --executor local --wait"
has "$(limits)" "199 " "open files"
is "$(limits | cut -d' ' -f3-4)" "0 0" "bound the task as well"
ok "the events say the same" sh -c "'$WF' engine stop && '$WF' engine recover --rebuild --check"
done_testing
