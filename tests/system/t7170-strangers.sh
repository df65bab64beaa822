#!/usr/bin/env bash
# t7170-strangers.sh - long chains, wide fans, odd names and values, and terminals that go away
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
. tests/system/hostile.bash
need python3

# ---- a chain of 5,000 steps, a fan-in of 10,000 by data ------------------------------------------------------------------
python3 - <<'P'
with open("chain.yaml", "w") as f:
    f.write("workflow: {name: chain}\nsteps:\n")
    for i in range(5000):
        after = f", after: [s{i - 1}]" if i else ""
        f.write(f"  - {{name: s{i}, argv: [\"true\"]{after}}}\n")
with open("fan.yaml", "w") as f:
    f.write("""workflow: {name: fan}
steps:
  - {name: make, foreach: {i: {range: 10000}}, argv: ["true"], outputs: ["out/{{ i }}"]}
  - name: gather
    argv: ["true"]
    inputs: [""" + ", ".join(f"out/{i}" for i in range(10000)) + "]\n")
P
ok "a chain of 5,000 steps is valid" "$WF" validate chain.yaml
ok "and planned" "$WF" plan chain.yaml
submit chain.yaml
chain_grows() { [ "$(status .counts.succeeded)" -ge 200 ]; }
until_ok 60 "it gets on" chain_grows
ok "canceled" "$WF" cancel "$run"
exits 9 "it ends" "$WF" wait "$run" --timeout 20
is "$(status .counts.total)" 5000 "5,000 are accounted for"
ok "a fan-in of 10,000 by data is planned" "$WF" plan fan.yaml
submit fan.yaml
is "$(status .counts.total)" 10001 "and submitted"
ok "canceled too" "$WF" cancel "$run"
exits 9 "it ends too" "$WF" wait "$run" --timeout 30

# ---- names and values -------------------------------------------------------------------------------------------------------
long=$(printf 'n%.0s' $(seq 127))
cat >odd.yaml <<YAML
workflow: {name: "An IO-SEA name with blanks"}
params: {text: "x", empty: ""}
steps:
  - {name: "0.A_z-9", command: 'printf "%s|%s|" {{ text }} {{ empty }} > got; printf "%s" "\$WF_PARAM_TEXT" >> got'}
  - {name: ${long}1, after: ["0.A_z-9"], argv: [printf, "%s", "{{ text }}"]}
YAML
value=$'two\nlines \'quoted\' "twice" $HOME `id` \\ ü ☃ {{ empty }} $(touch pwned)'
submit odd.yaml -p "text=$value" -p empty=
ok "names of every kind of letter run" "$WF" wait "$run" --timeout 20
is "$(cat got)" "$value||$value" "a value is a value, in a shell and in the environment"
is "$("$WF" logs "$run" "${long}1")" "$value" "and as an argument"
ok "nothing of it was executed" test ! -e pwned
exits 3 "a run's name of 300 bytes is refused" "$WF" submit odd.yaml --executor local --name "$(printf 'x%.0s' $(seq 300))"
exits 3 "so is one with a newline" "$WF" submit odd.yaml --executor local --name $'a\nb'
submit odd.yaml --name "$(printf 'x%.0s' $(seq 128))"
ok "one of 128 is not" "$WF" wait "$run" --timeout 20

# ---- outputs that go away -----------------------------------------------------------------------------------------------------
runs() { "$WF" ls --json --limit 500 | jq '.items | length'; }
before=$(runs)
for i in 1 2 3 4 5; do "$WF" submit odd.yaml --executor local 2>/dev/null | head -n 0; done
is "$(runs)" $((before + 5)) "a submit whose reader has gone has submitted once"
"$WF" submit odd.yaml --executor local >&- 2>"$T/.err"
is "$? $(runs)" "10 $((before + 5))" "a closed stdout is told of before anything is submitted"
"$WF" status @last >/dev/full 2>"$T/.err"
is "$? $(grep -c 'No space' "$T/.err")" "10 1" "a full stdout is told of, exit 10"
touch hold
printf 'workflow: {name: watched}\nsteps: [{name: a, argv: [./body.sh]}]\n' >watched.yaml
cat >interrupt.py <<'P'
# Runs a command in a terminal; at its word: Ctrl-C twice, or the terminal goes away. Prints how the command ended.
import os, pty, signal, subprocess, sys
how, ready = sys.argv[1], sys.argv[2]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
seen = b""
while ready.encode() not in seen:
    seen += os.read(fd, 65536)
if how == "interrupt":
    os.write(fd, b"\x03\x03")
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass
else:
    os.close(fd)
_, status = os.waitpid(pid, 0)
print("signal" if os.WIFSIGNALED(status) else "exit", os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
P
for how in interrupt hangup; do
	how_it_ended=$(timeout 30 python3 interrupt.py $how running "$WF" submit watched.yaml --executor local --watch)
	case $how in interrupt) want="exit 130" ;; hangup) want="exit 129" ;; esac
	run=@last
	is "$how_it_ended" "$want" "$how in --watch ends the command, with the shell's code for it"
	is "$(status .state)" running "and not the run"
done
touch go
ok "they end well" "$WF" wait @last --timeout 20
done_testing
