#!/bin/sh
# Help is printed from the table of commands: every command is in it, every line fits 80 columns.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

try 0 "wf help" "$WF" help
has out "usage: wf COMMAND"
cp "$T/out" "$T/overview"
try 0 "wf --help is the same" "$WF" --help
same out "$T/overview"
try 2 "wf alone shows it on standard error and returns 2" "$WF"
same err "$T/overview"

commands="submit watch wait ls status tasks show explain logs events services cancel retry pause resume resolve rm validate plan graph import export
config doctor help version"
for c in $commands; do
	grep -q "^  $c " "$T/overview"
	result $? "wf help lists '$c'"
	try 0 "wf help $c" "$WF" help "$c"
	has out "usage: wf $c"
	cp "$T/out" "$T/text"
	try 0 "wf $c --help is the same" "$WF" "$c" --help
	same out "$T/text"
	awk 'length > 80 { exit 1 }' "$T/text"
	result $? "... in 80 columns"
done
for c in start stop status backup recover; do
	grep -q "^  engine $c " "$T/overview"
	result $? "wf help lists 'engine $c'"
	try 0 "wf help engine $c" "$WF" help engine "$c"
	has out "usage: wf engine $c"
done
try 0 "wf help engine is all of them" "$WF" help engine
has out "usage: wf engine recover"
awk 'length > 80 { exit 1 }' "$T/overview"
result $? "the overview fits 80 columns"

try 0 "wf help exit-codes" "$WF" help exit-codes
for c in "   0  success" "   1  the run" "   2  wrong usage" "   3  invalid" "   4  not permitted" "   5  not found" "   6  conflict" \
	"   7  engine" "   8  still" "   9  the run was canceled" "  10  a site" "  70  internal"; do
	has out "$c"
done

try 0 "wf help errors" "$WF" help errors
has out "  E0201  an unknown key"
try 0 "wf help errors E0201" "$WF" help errors E0201
has out "E0201: an unknown key"
try 0 "in small letters too" "$WF" help errors e0201
try 5 "a code that is none" "$WF" help errors E9999
try 2 "help for an unknown command" "$WF" help submti
has err "did you mean 'submit'?"

try 0 "wf version" "$WF" version
has out "wf 0."
try 0 "wf --version" "$WF" --version
try 0 "wf version --json" "$WF" version --json
has out '"version": "0.'
done_testing
