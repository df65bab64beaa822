#!/bin/sh
# shellcheck disable=SC2119 # fake without a script
# Wrong usage returns 2, says what was wrong and the nearest right word, prints nothing on standard output, and reaches no engine.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
export WF_STATE_DIR="$T/none"

wrong() { # text, words...
	text=$1
	shift
	try 2 "wf $*" "$WF" "$@"
	has err "$text"
	[ ! -s "$T/out" ]
	result $? "... and standard output is empty"
}

wrong "unknown command 'sumbit'; did you mean 'submit'?" sumbit x.yaml
wrong "unknown command 'zzzzzzz'; see \`wf help\`" zzzzzzz
wrong "unknown command 'engine stpo'; did you mean 'engine stop'?" engine stpo
wrong "'wf engine' needs one of status, start, stop, backup, recover" engine
wrong "unknown option '--nmae'; did you mean '--name'?" submit --nmae x f.yaml
wrong "unknown option '--nmae'; did you mean '--name'?" submit --nmae=x f.yaml
wrong "operand 1 of 'wf status' is empty; it takes [RUN]" status ''
wrong "operand 2 of 'wf show' is empty; it takes RUN TASK" show @last ''
wrong "unknown option '-z'; see \`wf help ls\`" ls -z
wrong "option '--name' needs a value: NAME" submit f.yaml --name
wrong "option '--wait' takes no value" submit f.yaml --wait=1
wrong "option '--name' is given twice" submit f.yaml --name a --name b
wrong "'wf submit' needs FILE; see \`wf help submit\`" submit
wrong "'wf submit' takes FILE: 'b.yaml' is one too many" submit a.yaml b.yaml
wrong "'wf ls' takes nothing: 'x' is one too many" ls x
wrong "'wf show' needs RUN TASK" show x
wrong "'--format' must be one of dot|mermaid|json, not 'dto'; did you mean 'dot'?" graph f.yaml --format dto
wrong "'--color' must be one of" ls --color sometimes
wrong "'--color' must be one of" --color sometimes ls
wrong "'--limit' must be a whole number from 1 to" ls -n 0
wrong "'--tail' must be a whole number" logs r --tail ten
wrong "'--timeout'" wait r --timeout soon
wrong "'wf resolve' needs --as succeeded, failed or rerun" resolve r t
wrong "a token on the command line" ls --token abc
wrong "a token on the command line" ls --token=abc
wrong "'--wait' and '--watch' exclude each other" submit f.yaml --wait --watch
wrong "'--watch' is for people" submit f.yaml --watch --json
wrong "'--failed' and '--state' exclude each other" tasks r --failed --state waiting
wrong "'--failed' and '--follow' exclude each other" logs r --failed -f
wrong "needs --rebuild" engine recover
wrong "no completion for 'csh'" completion csh

echo 'steps: []' >"$T/f.yaml"
wrong "'SESSION' is reserved" submit "$T/f.yaml" -p SESSION=x
wrong "'STEP' is reserved" validate "$T/f.yaml" -p STEP=x
wrong "'-p' needs NAME=VALUE, not 'mode'" submit "$T/f.yaml" -p mode
wrong "parameter 'a' is given twice" submit "$T/f.yaml" -p a=1 -p a=2

try 3 "a run's name that is a path" "$WF" submit "$T/f.yaml" --name ../x
has err "is no name for a run"
for name in a/b "" .x -x "$(printf 'a%.0s' $(seq 300))"; do
	try 3 "a run's name '$(printf %.20s "$name")'" "$WF" submit "$T/f.yaml" "--name=$name"
done

fake
try 0 "options may stand after operands" "$WF" tasks crack --json
try 0 "also where POSIXLY_CORRECT is set" env POSIXLY_CORRECT=1 "$WF" tasks crack --json
try 0 "operands may follow --" "$WF" tasks --json -- crack
try 0 "--color may stand before the command" "$WF" --color never ls
try 0 "options may be shortened where that is unique" "$WF" tasks crack --js
[ ! -e "$T/none" ]
result $? "no state directory was made by wrong usage"
done_testing
