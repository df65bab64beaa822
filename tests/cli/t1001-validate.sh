#!/bin/sh
# Files that are wrong, and what each must get (reliability rows 1 to 17): exit code 3, the place, the text, the nearest name.
# shellcheck disable=SC2016 # placeholders and the shell's own syntax are meant as they are
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
cd "$T" || exit 1
export WF_STATE_DIR="$T/none"

bad() { # name, text that must be said; the file is wf.yaml
	try 3 "$1" timeout 20 "$WF" validate wf.yaml
	has err "$2"
	[ ! -s "$T/out" ]
	result $? "... and standard output is empty"
}

printf 'workflow:\n\tname: x\nsteps: []\n' >wf.yaml
bad "1 a tab" "wf.yaml:2:1: "
printf 'workflow: {name: x}\nsteps:\n  - name: "a\n    command: echo\n' >wf.yaml
bad "2 an unclosed quote" "wf.yaml:3:11: "
printf 'workflow: {name: x}\nsteps:\n  - name: a\n    name: b\n    command: echo\n' >wf.yaml
bad "3 a key twice" "wf.yaml:4:5: "
has err "3:5"
printf 'workflow: {name: x}\nsteps:\n  - name: a\n    comand: echo\n' >wf.yaml
bad "4 an unknown key" "did you mean 'command'?"
for v in two -1 1e9 0x10; do
	printf 'workflow: {name: x}\nsteps:\n  - name: a\n    command: echo\n    resources: {nodes: %s}\n' "$v" >wf.yaml
	bad "5 nodes: $v" "$v"
done
printf 'workflow: {name: x}\nsteps:\n  - {name: a, command: x}\n  - {name: a, command: x}\n  - {command: y, after: [zzzzzz]}\n' >wf.yaml
bad "8 a step without a name and two of one name" "which is no step; known: a"
hasnt err "known: a,"
for v in two -1 1e9 0x10; do
	printf 'workflow: {name: x}\nservices: [{name: s, type: SBB, attributes: {targets: /t, flavor: f, datanodes: %s}}]\nsteps: [{name: a, command: x}]\n' "$v" >wf.yaml
	bad "5 datanodes: $v" "'datanodes' must be an integer of at least 1, not"
	has err "$v"
	hasnt err "1000000000"
done
for v in no 012 1:30; do
	printf 'workflow: {name: x}\nsteps:\n  - name: %s\n    command: echo\n' "$v" >wf.yaml
	bad "6 name: $v" "quote"
done
printf 'workflow: {name: x}\nsteps:\n  - {name: a, command: echo, after: [b]}\n  - {name: b, command: echo, after: [a]}\n' >wf.yaml
bad "7 a cycle" "E0306"
printf 'workflow: {name: x}\nsteps:\n  - {name: a, command: echo}\n  - {name: b, command: echo, after: [aa]}\n' >wf.yaml
bad "8 no such step" "'aa'"
{
	printf 'a: &a [x, x, x, x, x, x, x, x, x, x]\n'
	p=a
	for n in b c d e f g h i; do
		printf '%s: &%s [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]\n' $n $n $p $p $p $p $p $p $p $p $p $p
		p=$n
	done
} >wf.yaml
bad "9 a bomb of aliases" "E0115"
head -c 100000 /dev/zero | tr '\0' '[' >wf.yaml
bad "10 depth" "64"
head -c 17825792 /dev/zero | tr '\0' '#' >wf.yaml
bad "11 17 MiB" "has 17825792 bytes, more than the 16777216 that are allowed"
printf '' >wf.yaml
bad "12 nothing" "E0104"
printf '# only a comment\n' >wf.yaml
bad "12 only a comment" "E0104"
printf 'workflow: {name: x}\nsteps: []\n---\nworkflow: {name: y}\n' >wf.yaml
bad "12 two documents" "E0105"
printf 'workflow: {name: "\377"}\n' >wf.yaml
bad "13 not UTF-8" "E0102"
printf '\377\376w\000' >wf.yaml
bad "13 UTF-16" "UTF-16"
printf 'workflow: {name: "a\342\200\256b"}\nsteps: []\n' >wf.yaml
bad "13 bidirectional controls" "E0103"
printf 'workflow: {name: !!python/object x}\nsteps: []\n' >wf.yaml
bad "14 a tag" "E0111"
printf 'workflow: {name: x}\nparams: {mode: 1}\nsteps:\n  - {name: a, command: "echo {{ mod }}"}\n' >wf.yaml
bad "15 an undefined name" "mode"
printf 'workflow: {name: x}\nsteps:\n  - {name: a, command: echo}\n' >good.yaml
try 2 "17 SESSION" "$WF" validate good.yaml -p SESSION=x

# --- the rest of the command
try 0 "a good file" "$WF" validate good.yaml
same out - <<'O'
good.yaml: valid, 1 step, 1 task
O
try 0 "-q says nothing" "$WF" validate -q good.yaml
[ ! -s "$T/out" ] && [ ! -s "$T/err" ]
result $? "... at all"
printf 'workflow: {name: x}\nsteps:\n  - name: a\n    comand: 1\n    after: [b]\n' >two.yaml
try 3 "all errors in one pass" "$WF" validate good.yaml two.yaml
has err "E0201"
has err "E0301"
has out "good.yaml: valid"
try 3 "--json" "$WF" validate good.yaml two.yaml --json
python3 -c '
import json, sys
a, b = json.load(sys.stdin)["items"]
assert a["valid"] is True and a["findings"] == [] and a["tasks"] == 1, a
assert b["valid"] is False and len(b["findings"]) >= 2, b
f = [f for f in b["findings"] if f["code"] == "E0201"][0]
assert (f["line"], f["column"], f["severity"]) == (4, 5, "error") and f["hint"], f' <"$T/out" 2>>"$T/err"
result $? "... has every finding with its place"
[ ! -s "$T/err" ]
result $? "... and standard error is empty"
try 5 "a file that is missing, among others" "$WF" validate good.yaml nosuch.yaml two.yaml
has err "nosuch.yaml"
try 5 "... with --json" "$WF" validate nosuch.yaml --json
has out '"code": "not_found"'
printf 'workflow: {name: x}\nsteps:\n  - {name: a, command: echo, resources: {ranks: 4}}\n' >ranks.yaml
try 0 "what cannot be executed yet is valid" "$WF" validate ranks.yaml
try 10 "... and found when asked for" "$WF" validate ranks.yaml --executable
has err "not executed yet"
printf 'workflow:\n  name: io\nservices: []\nsteps:\n  - name: one\n    command: sbatch {{ SCRIPT }}\n    services: []\n' >io.yaml
try 0 "a file in IO-SEA's form lists the names it needs" "$WF" validate io.yaml
has out "needs -p SCRIPT (line 6)"
try 0 "... --json" "$WF" validate io.yaml --json
has out '"needed": ['
try 3 "... and submit wants them" "$WF" submit io.yaml
has err "'SCRIPT'"
printf 'workflow: {name: x}\nsteps:\n  - name: a\n    foreach: {r: {csv: nosuch.csv}}\n    command: echo {{ r.x }}\n' >csv.yaml
try 0 "a table that is not there yet does not make a file wrong" "$WF" validate csv.yaml
has err "nosuch.csv"
try 5 "... but cannot be submitted" "$WF" submit csv.yaml
[ ! -e "$T/none" ]
result $? "none of this needed an engine"
TERM=xterm try 3 "on a terminal findings have colour" "$here/in_pty.py" "$WF" validate two.yaml
has out "$(printf '\033')["
done_testing
