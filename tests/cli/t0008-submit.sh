#!/bin/sh
# What submit reads, refuses and sends.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
cat >hello.yaml <<'Y'
workflow: {name: hello}
params:
  who: world
steps:
  - name: greet
    foreach: {f: {glob: "*.in"}}
    argv: [echo, "{{ who }}", "{{ f.name }}"]
Y
touch a.in b.in
body() { grep '^POST /api/v1/runs	' "$S/requests" | tail -1 | cut -f2; }
sent() { # name, expression over the last body `b`
	body | python3 -c "import json, sys; b = json.load(sys.stdin); sys.exit(not ($2))"
	result $? "... $1"
}

fake
try 0 "submit" env FOO=bar MY_TOKEN=t AWS_SECRET_ACCESS_KEY=s SLURM_JOB_ID=1 SSH_CLIENT=x DISPLAY=:0 DBUS_SESSION_BUS_ADDRESS=x KEYBOARD=us \
	sh -c "umask 027; ulimit -n 177; exec '$WF' submit hello.yaml -p who=you"
same out - <<'O'
run 01jd8m3v5qk7x2f4h6n8p0r2t4
  name      crack
  tasks     96
  executor  local (no Slurm configuration on this host)
  follow    wf watch n8p0r2t4
O
sent "sends the text" "b['workflow'] == open('$T/hello.yaml').read()"
sent "... the file's absolute name" "b['file'] == '$T/hello.yaml'"
sent "... parameters as text" "b['params'] == {'who': 'you'}"
sent "... the directory" "b['workdir'] == '$T'"
sent "... the umask" "b['umask'] == 0o027"
sent "... the limits" "'nofile=177:177' in b['limits'].split() and 'core=' in b['limits']"
sent "... what the patterns found" "b['sources']['glob'] == {'*.in': ['a.in', 'b.in']}"
sent "... the environment" "b['env']['FOO'] == 'bar' and b['env']['KEYBOARD'] == 'us' and 'PATH' in b['env']"
sent "... without what belongs to this session" "not [n for n in b['env'] if n.startswith(('SLURM_', 'SSH_', 'DBUS_')) or n == 'DISPLAY']"
sent "... without what looks like a secret" "not {'MY_TOKEN', 'AWS_SECRET_ACCESS_KEY'} & set(b['env'])"
has err "look like secrets: "
has err "MY_TOKEN"
hasnt err "KEYBOARD"
sent "... no name, no executor that was not asked for" "'name' not in b and 'executor' not in b"
sent "... and a key of its own" "b['key'].startswith('once-') and len(b['key']) == 31"
body >one
try 0 "-q prints the id alone" "$WF" submit hello.yaml -q --name n1 --key k1 --executor local
same out - <<'O'
01jd8m3v5qk7x2f4h6n8p0r2t4
O
sent "sends name, key and executor" "(b['name'], b['key'], b['executor']) == ('n1', 'k1', 'local')"
try 0 "--json prints the run" "$WF" submit hello.yaml --json
has out '"executor_why"'
mkdir sub
try 0 "--workdir" sh -c "cd sub && exec '$WF' submit ../hello.yaml --workdir .. -q"
sent "is made absolute" "b['workdir'] == '$T' and b['file'] == '$T/hello.yaml'"
sent "... patterns count from it" "b['sources']['glob'] == {'*.in': ['a.in', 'b.in']}"
try 5 "a workdir that is none" "$WF" submit hello.yaml --workdir nosuch
odd=$(printf 'odd\377')
mkdir "$odd"
try 3 "a workdir that is not UTF-8" "$WF" submit hello.yaml --workdir "$odd"
has err "is not UTF-8"
BAD=$(printf 'a\377') try 0 "a variable that is not UTF-8" "$WF" submit hello.yaml
has err "BAD"
sent "does not travel" "'BAD' not in b"
end_fake

# --- row 20
export WF_STATE_DIR="$T/none"
try 5 "a file that is missing" "$WF" submit nosuch.yaml
has err "cannot open 'nosuch.yaml': No such file or directory"
try 5 "a directory" "$WF" submit sub
has err "is a directory"
mkfifo fifo
try 5 "a fifo, without waiting for it" timeout 10 "$WF" submit fifo
has err "is a fifo"
if [ "$(id -u)" -ne 0 ]; then
	cp hello.yaml closed.yaml
	chmod 000 closed.yaml
	try 4 "a file that may not be read" "$WF" submit closed.yaml
fi
head -c 17825792 /dev/zero | tr '\0' '#' >huge.yaml
try 3 "17 MiB" "$WF" submit huge.yaml
has err "has 17825792 bytes, more than the 16777216 that are allowed"
printf 'workflow: {name: "of {{ SESSION }}"}\nsteps:\n  - {name: "a-{{ SESSION }}", command: echo}\n' >session.yaml
try 3 "a name that holds the run's, of a run without one" "$WF" submit session.yaml
has err "session.yaml:1:22: error[E0309]: 'SESSION' has no value; give the run a name with --name"
try 0 "it is valid all the same" "$WF" validate session.yaml
try 0 "and can be planned" "$WF" plan session.yaml
has out "a-SESSION"
# --- row 21
printf 'workflow: {name: x}\nservices: []\nsteps:\n  - {name: a, command: "sbatch -N 2 -J x --time 5 --hold job.sh -v", services: []}\n' >batch.yaml
try 5 "a batch script that is missing" "$WF" submit batch.yaml
has err "step 'a': batch script '$T/job.sh': No such file or directory"
touch job.sh
try 5 "a batch script that is not executable" "$WF" submit batch.yaml
has err "step 'a': batch script '$T/job.sh' is not executable"
chmod +x job.sh
try 10 "a batch script that is there" "$WF" submit batch.yaml
has err "a batch script of your own ('sbatch') is not executed yet"
printf 'workflow: {name: x}\nservices: []\nsteps:\n  - {name: a, command: "sbatch --wrap nosuch", services: []}\n' >wrap.yaml
try 10 "one without a script" "$WF" submit wrap.yaml
printf 'workflow: {name: x}\nsteps:\n  - name: a\n    comand: echo\n' >bad.yaml
try 3 "a file with errors" "$WF" submit bad.yaml
has err "bad.yaml:4:5: error[E0201]: unknown key 'comand' in step 'a'; did you mean 'command'?"
has err "        ^^^^^^"
has err "wf: 'bad.yaml' has 1 error"
printf 'workflow: {name: x}\nsteps:\n  - {name: a, command: echo, resources: {ranks: 4}}\n' >ranks.yaml
try 10 "a file that cannot be executed yet" "$WF" submit ranks.yaml
has err "not executed yet"
try 3 "a parameter that is none" "$WF" submit hello.yaml -p whom=x
has err "did you mean 'who'?"
[ ! -e "$T/none" ]
result $? "none of this started an engine"

# --- the engine's answers
fake '{"POST /api/v1/runs": {"status": 422, "body": {"code": "invalid", "detail": "the workflow has 1 error", "errors":
	[{"severity": "error", "code": "E0999", "line": 5, "column": 11, "span": 1, "message": "seen by the engine alone", "hint": "mend it"}]}}}'
try 3 "findings of the engine" "$WF" submit hello.yaml
has err "hello.yaml:5:11: error[E0999]: seen by the engine alone; mend it"
has err "wf: the workflow has 1 error"
end_fake
fake '{"POST /api/v1/runs": {"status": 503, "body": {"code": "resource", "detail": "no executor slurm here: its agent is not part of this version"}}}'
try 10 "an executor that is none" "$WF" submit hello.yaml --executor slurm
has err "no executor slurm here"
end_fake
fake '{"POST /api/v1/runs": {"status": 200, "run": "running", "headers": {"Idempotency-Replayed": "true"}}}'
try 0 "a known key" "$WF" submit hello.yaml --key nightly -q
has err "key 'nightly' is known"
has out "01jd8m3v5qk7x2f4h6n8p0r2t4"
try 0 "a key of our own that is known is our own request" "$WF" submit hello.yaml -q
hasnt err "known"
end_fake
fake '{"POST /api/v1/runs": {"die": true}}'
"$WF" submit hello.yaml -q >"$T/out" 2>"$T/err" &
pid=$!
until [ -s "$S/requests" ]; do kill -0 $pid || break; done
echo '{}' >"$S/script.json"
wait $pid
result $? "an engine that dies before it has answered is started and asked again"
[ "$(grep '^POST /api/v1/runs	' "$S/requests" | cut -f2 | sort -u | wc -l)" -eq 1 ]
result $? "... with the same key"
[ "$(grep -c '^POST /api/v1/runs	' "$S/requests")" -ge 2 ]
result $? "... at least twice"
end_fake

# --- Slurm's rule: where a readable configuration is, the engine decides, whatever the file needs
echo 'ClusterName=c' >slurm.conf
fake '{"POST /api/v1/runs": {"status": 503, "body": {"code": "resource", "detail": "slurm was taken: no agent"}}}'
SLURM_CONF=$T/slurm.conf try 10 "a readable Slurm configuration" "$WF" submit hello.yaml
has err "slurm was taken"
sent "does not say what the configuration says" "'executor' not in b"
echo '{"GET /api/v1/config": {"body": {"items": [{"key": "executor", "value": null, "origin": "default"}]}}}' >"$S/script.json"
SLURM_CONF=$T/slurm.conf try 0 "... where the configuration says nothing" "$WF" submit hello.yaml
sent "asks for slurm: the engine may not have this variable" "b['executor'] == 'slurm'"
sent "and says why" "b['executor_why'].startswith('SLURM_CONF names')"
SLURM_CONF=$T/slurm.conf try 0 "... but not when local was asked for" "$WF" submit hello.yaml --executor local
sent "asks for that" "b['executor'] == 'local' and 'executor_why' not in b"
end_fake

# --- followed
fake '{"GET /api/v1/runs/01jd8m3v5qk7x2f4h6n8p0r2t4": [{"run": "running"}, {"run": "failed"}]}'
try 1 "--wait returns as the run ended" "$WF" submit hello.yaml --wait
has out "run 01jd8m3v5qk7x2f4h6n8p0r2t4"
has out "crack (n8p0r2t4) failed"
try 1 "--wait --json is one document" "$WF" submit hello.yaml --wait --json
python3 -c 'import json, sys; assert json.load(sys.stdin)["state"] == "failed"' <"$T/out"
result $? "... of the end"
try 1 "--wait -q" "$WF" submit hello.yaml --wait -q
same out - <<'O'
01jd8m3v5qk7x2f4h6n8p0r2t4
O
try 1 "--watch" "$WF" submit hello.yaml --watch
try 1 "retry --wait" "$WF" retry crack --wait
done_testing
