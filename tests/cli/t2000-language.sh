#!/usr/bin/env bash
# t2000-language.sh - what the language says is what runs: fan-outs, edges, conditions, results, retries, environment
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq

mkdir -p "$T/w"
cd "$T/w" || exit 1
# go NAME [ARGS]: submit NAME.yaml (from stdin) and wait for its end
go() {
	local name=$1
	shift
	cat >"$name.yaml"
	capture "$WF" submit "$name.yaml" --executor local --wait "$@"
}
states() { "$WF" tasks @last --json | jq -c "[.items[] | select(.step == \"$1\") | .state]"; }

# ---- fan-outs -------------------------------------------------------------------------------------------------
printf 'x,y\n1,a\n2,b\n' >table.csv
touch in-1.dat in-2.dat
go fan <<'YAML'
workflow: {name: fan}
params: {names: [ada, grace], wide: {type: int, default: 7}}
steps:
  - name: product
    foreach: {a: [1, 2], b: "{{ names }}"}
    command: echo "{{ a }}-{{ b }}" >> product
  - name: zipped
    foreach: {a: [1, 2], b: [x, y]}
    zip: true
    command: echo "{{ a }}{{ b }}" >> zipped
  - name: ranged
    foreach: {i: {range: [2, 6, 2]}}
    command: echo "{{ i:03 }}" >> ranged
  - name: globbed
    foreach: {f: {glob: "in-*.dat"}}
    command: echo "{{ f }} {{ f.name }} {{ f.stem }}" >> globbed
  - name: rows
    foreach: {r: {csv: table.csv}}
    command: echo "{{ r.x }}{{ r.y }}" >> rows
  - name: maker
    command: "printf '3\\n1\\n2\\n' > list"
    outputs: [list]
  - name: listed
    foreach: {v: {from: maker, list: list}}
    command: echo "{{ v }}" >> listed
  - name: told
    command: "echo '{\"hosts\": [\"h1\", \"h2\"], \"n\": 2}' > $WF_RESULT"
    results: [hosts, n]
  - name: asked
    foreach: {h: {from: told, list: hosts}}
    command: echo "{{ h }}" >> asked
  - name: inherits
    after: [{step: asked, each: true}]
    command: echo "{{ h }}!" >> inherits
  - name: argv
    argv: [printf, "%s|", "{{ names }}", "{{ wide }}", $HOME]
    stdout: argv.out
YAML
is "$rc" 0 "a file with every kind of fan-out runs" || printf '%s\n' "$out" "$err"
is "$(sort product | tr '\n' ,)" "1-ada,1-grace,2-ada,2-grace," "product"
is "$(sort zipped | tr '\n' ,)" "1x,2y," "zip"
is "$(sort ranged | tr '\n' ,)" "002,004,006," "range, with a width"
is "$(sort globbed | tr '\n' ,)" "in-1.dat in-1.dat in-1,in-2.dat in-2.dat in-2," "glob"
is "$(sort rows | tr '\n' ,)" "1a,2b," "csv"
is "$(sort listed | tr '\n' ,)" "1,2,3," "a list from a file of an earlier step"
is "$(sort asked | tr '\n' ,)" "h1,h2," "a list from a result"
is "$(sort inherits | tr '\n' ,)" "h1!,h2!," "each inherits the fan-out, sized while running"
is "$(cat argv.out)" 'ada|grace|7|$HOME|' "argv never sees a shell, a list becomes words"

# ---- edges and conditions ---------------------------------------------------------------------------------------
go edges <<'YAML'
workflow: {name: edges}
params: {mode: quick}
steps:
  - name: make
    foreach: {g: [a, b], i: [1, 2]}
    workdir: "d/{{ g }}{{ i }}"
    command: echo "{{ g }}{{ i }}" > out
    outputs: [out]
  - name: group
    after: [{step: make, by: [g]}]
    command: cat d/{{ g }}*/out | tr '\n' ' ' > "group-{{ g }}"
    outputs: ["group-{{ g }}"]
  - name: all
    command: cat group-a group-b > all
    inputs: [group-a, group-b]
    outputs: [all]
  - name: only-full
    when: mode == 'full'
    after: [make]
    argv: ["false"]
  - name: after-skipped
    after: [only-full]
    command: touch after-skipped
  - name: fails
    command: exit 4
  - name: on-failure
    after: [{step: fails, result: failure}]
    command: touch on-failure
  - name: any
    after: [{step: fails, result: any}]
    command: touch any
  - name: never
    after: [fails]
    command: touch never
  - name: below
    after: [{step: never, result: any}]
    command: touch below
  - name: counts
    command: "echo '{\"n\": 3}' > $WF_RESULT"
    results: [n]
  - name: big
    after: [counts]
    when: counts.result.n > 2 and mode in ['quick', 'slow']
    command: echo "{{ counts.result.n }}" > big
YAML
is "$rc" 1 "a failed step fails the run, exit code 1"
is "$(cat group-a group-b | tr -s ' ')" "a1 a2 b1 b2 " "by waits for its group"
is "$(states all)" '["succeeded"]' "edges follow data"
is "$(states only-full)$(states after-skipped)" '["skipped"]["succeeded"]' "a step skipped by when satisfies success"
is "$(states on-failure)$(states any)$(states never)$(states below)" '["succeeded"]["succeeded"]["skipped"]["succeeded"]' \
	"failure, any, success, and any of a skipped one"
is "$(cat big)" 3 "a result decides and is handed on"
has "$("$WF" explain @last never)" "'fails' failed" "explain names the parent"
has "$("$WF" explain @last only-full)" "when" "and the condition"

# ---- tolerance --------------------------------------------------------------------------------------------------
go tolerate <<'YAML'
workflow: {name: tolerate}
steps:
  - name: sweep
    foreach: {i: {range: 10}}
    tolerate: 2
    command: test {{ i }} -ge 2
  - name: refine
    after: [{step: sweep, each: true}]
    argv: ["true"]
  - name: reduce
    after: [refine]
    argv: [cat, "{{ sweep.tasks }}"]
    stdout: reduced
YAML
is "$rc" 0 "failures within tolerate do not fail the run"
is "$(states refine | jq -c 'map(select(. == "skipped")) | length')" 2 "what hangs on them is skipped"
is "$(wc -l <reduced)" 10 "and the reduction runs, over ten lines of sweep.tasks"
is "$(jq -s -c '[.[0].index, .[0].state, .[9].parameters.i]' reduced)" '[0,"failed",9]' "which say index, state and parameters"

# ---- retries, limits, outputs ---------------------------------------------------------------------------------------
go retry <<'YAML'
workflow: {name: retry}
pools: {one: 1}
steps:
  - name: second-time
    command: 'echo $WF_ATTEMPT >> tries; test "$WF_ATTEMPT" -ge 2 || exit 75'
    retry: {limit: 3, classes: ["exit:75"], backoff: 10ms}
  - name: not-that-class
    command: 'echo x >> others; exit 3'
    retry: {limit: 3, classes: [timeout]}
  - name: slow
    command: sleep 60
    timeout: 200ms
  - name: promises
    argv: ["true"]
    outputs: [not-made]
  - name: needs
    argv: ["true"]
    inputs: [not-there]
  - name: killed
    command: kill -9 $$
  - name: three
    success_codes: [0, 3]
    command: exit 3
  - name: bad-setup
    setup: "false"
    argv: ["true"]
  - name: pooled
    foreach: {i: {range: 4}}
    pool: one
    command: 'mkdir lock && sleep 0.02 && rmdir lock'
  - name: two-at-once
    foreach: {i: {range: 4}}
    parallel: 1
    command: 'mkdir lock2 && sleep 0.02 && rmdir lock2'
YAML
class() { "$WF" tasks @last --json | jq -r ".items[] | select(.step == \"$1\") | .class"; }
is "$(tr '\n' , <tries)" "1,2," "retry by exit code, with back-off"
is "$(wc -l <others)" 1 "another class is not retried"
is "$(class slow) $(class promises) $(class needs) $(class killed) $(class bad-setup)" \
	"timeout output_missing input_missing signal setup_failed" "each failure has its class"
is "$(states three)" '["succeeded"]' "success_codes"
is "$(states pooled)$(states two-at-once)" \
	'["succeeded","succeeded","succeeded","succeeded"]["succeeded","succeeded","succeeded","succeeded"]' "pools and parallel limit"

# ---- environment and quoting ------------------------------------------------------------------------------------------
export FROM_CALLER=yes MY_SECRET_TOKEN=hidden SLURM_JOB_ID=7
go environment -p 'evil="; touch canary; echo $(touch canary2) `touch canary3`' <<'YAML'
workflow: {name: environment}
params: {evil: harmless}
steps:
  - name: env
    env: {GREETING: "hi {{ evil }}"}
    command: env > environment
  - name: quoted
    command: echo {{ evil }} > quoted
  - name: inside
    command: echo "<{{ evil }}>" > inside
  - name: setup
    setup: |
      set -u
      export FROM_SETUP=1
      export FROM_VALUE={{ evil }}
    command: echo $FROM_SETUP > setup; echo "$FROM_VALUE" > setup-value
  - name: apart
    workdir: made/by/it
    command: pwd; echo oops >&2
    stdout: out
    stderr: err
YAML
is "$rc" 0 "a hostile parameter runs" || printf '%s\n' "$out" "$err"
ok "and nothing of it became syntax" sh -c '! ls canary* 2>/dev/null'
is "$(cat quoted)" '"; touch canary; echo $(touch canary2) `touch canary3`' "it arrives as it is"
is "$(cat inside)" '<"; touch canary; echo $(touch canary2) `touch canary3`>' "inside double quotes too"
has "$(cat environment)" "FROM_CALLER=yes" "tasks get the caller's environment"
lacks "$(cat environment)" "MY_SECRET_TOKEN" "without what looks secret"
lacks "$(cat environment)" "SLURM_JOB_ID" "or belongs to Slurm"
for v in WF_RUN_ID WF_RUN_NAME WF_STEP WF_TASK_ID WF_INDEX WF_ATTEMPT WF_WORKDIR WF_RESULT WF_PARAM_EVIL IOI_WORKFLOW_NAME IOI_WORKFLOW_RUN_ID; do
	has "$(cat environment)" "$v=" "$v is there"
done
is "$(cat setup)" 1 "setup's environment is inherited"
is "$(cat setup-value)" '"; touch canary; echo $(touch canary2) `touch canary3`' "and a value in it is no syntax"
is "$(cat made/by/it/out)" "$T/w/made/by/it" "workdir is made"
is "$(cat made/by/it/err)" oops "stderr apart"

# ---- IO-SEA's form ------------------------------------------------------------------------------------------------------
cat >job.sbatch <<'SH'
#!/bin/bash
#SBATCH --job-name=x
echo "ran in $IOI_WORKFLOW_NAME" > sbatch.out
SH
chmod +x job.sbatch
go iosea -p WHO=world <<'YAML'
workflow:
  name: My Workflow
services: []
steps:
  - name: one
    command: "echo {{ WHO }} {{ SESSION }} {{ STEP }} > iosea.out"
    services: []
YAML
is "$rc" 0 "a file in IO-SEA's form runs" || printf '%s\n' "$out" "$err"
has "$(cat iosea.out 2>/dev/null)" "world" "its placeholders are filled"
exits 3 "a name it needs and nobody gave is an error" "$WF" submit iosea.yaml --executor local
has "$err" "WHO" "that names it"
done_testing
