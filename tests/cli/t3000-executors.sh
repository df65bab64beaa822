#!/usr/bin/env bash
# t3000-executors.sh - which executor is taken and why, manners where Slurm is, and an agent that does not start
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
mkdir -p "$T/w"
cd "$T/w" || exit 1
cat >one.yaml <<'YAML'
workflow: {name: one}
steps:
  - {name: a, argv: [nice]}
YAML
chosen() { "$WF" status @last --json | jq -r '"\(.executor) \(.executor_why)"'; }
agent() { "$WF" engine status --json | jq -r ".agents[0].$1"; }

# ---- which, and why ---------------------------------------------------------------------------------------------
ok "without Slurm" "$WF" submit one.yaml --wait
is "$(chosen)" "local this host has no Slurm configuration" "it is local, and that is why"
ok "asked for" "$WF" submit one.yaml --executor local --wait
is "$(chosen)" "local asked for" "says so"
echo 'ClusterName=here' >slurm.conf
exits 10 "a Slurm configuration that only the caller sees" env SLURM_CONF="$PWD/slurm.conf" "$WF" submit one.yaml
has "$err" "executor 'slurm' (SLURM_CONF names a readable configuration where it was submitted)" "is what the answer says"
has "$err" "--executor local" "with the cure"
ok "local is asked for there" env SLURM_CONF="$PWD/slurm.conf" "$WF" submit one.yaml --executor local --wait
is "$(chosen)" "local asked for" "and taken"
"$WF" engine stop >/dev/null

# ---- manners: an engine that starts where Slurm is -----------------------------------------------------------------
export WF_STATE_DIR=$T/login SLURM_CONF=$PWD/slurm.conf
exits 10 "Slurm here, its agent missing" "$WF" submit one.yaml
has "$err" "wf-agent-slurm" "says what is missing"
ok "local, asked for" "$WF" submit one.yaml --executor local --wait
is "$("$WF" logs @last a)" 10 "runs with nice 10"
fits() { [ "$(agent cores)" -le 2 ] && [ "$(agent memory)" -le $((4 << 30)) ]; }
ok "on at most 2 cores and 4 GiB" fits
is "$(env -u SLURM_CONF "$WF" submit one.yaml 2>&1 | grep -o "configuration, '.*/slurm.conf'")" "configuration, '$PWD/slurm.conf'" \
	"a caller without the variable hears which configuration the engine found"
"$WF" engine stop >/dev/null
unset SLURM_CONF

# ---- an agent that does not start ------------------------------------------------------------------------------------
export WF_STATE_DIR=$T/lame
mkdir lame
cp "$B/bin/wf" "$B/bin/wf-engine" "$B/bin/wf-service" lame/
ln -s "$B/share" share
long=$(printf 'long-%.0s' $(seq 60))
printf '#!/bin/sh\necho "wf-agent-local: cannot make %s: the end" >&2\nexit 70\n' "$long" >lame/wf-agent-local
chmod +x lame/wf-agent-local
exits 10 "an agent that ends at once" timeout 12 lame/wf submit one.yaml
has "$err" "ended at once" "is soon said"
has "$err" "wf-agent-local: cannot make $long: the end" "with the agent's own words, whole"
exits 10 "so is the next time" timeout 12 lame/wf submit one.yaml
rm lame/wf-agent-local
exits 10 "and one that is not there" timeout 12 lame/wf submit one.yaml
has "$err" "No such file" "is said, too"
cp "$B/bin/wf-agent-local" lame/
ok "once it is cured the next submit works" lame/wf submit one.yaml --wait
"$WF" engine stop >/dev/null
done_testing
