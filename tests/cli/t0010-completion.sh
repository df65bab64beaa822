#!/bin/bash
# shellcheck disable=SC2119 # fake without a script
# The completion script, printed from the table: bash takes it, and it offers what there is.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
fake
try 0 "wf completion bash" "$WF" completion bash
cp "$T/out" "$T/wf.bash"
try 0 "bash reads it" bash -n "$T/wf.bash"
try 0 "shellcheck finds no error in it" shellcheck -s bash -S error "$T/wf.bash"
PATH=$T/bin:$PATH
offers() { # expected word, then the words of the line, the last being completed
	want=$1
	shift
	got=$(bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wf; printf "%s\n" "${COMPREPLY[@]}"' "$T/wf.bash" "$@")
	printf '%s\n' "$got" | grep -qxF -e "$want"
	r=$?
	result $r "'${*}' offers '$want'"
	[ $r -eq 0 ] || echo "# it offers: $(printf '%s' "$got" | tr '\n' ' ')"
}
offers submit wf sub
offers engine wf e
offers start wf engine st
offers --param wf submit --
offers --watch wf submit file --wa
offers mermaid wf graph x --format m
offers rerun wf resolve r t --as r
offers never wf ls --color n
offers @last wf status @
offers 01jd8m3v5qk7x2f4h6n8p0r2t4 wf status 01
offers --rebuild wf engine recover --
got=$(bash -c '. "$0"; COMP_WORDS=(wf comple); COMP_CWORD=1; _wf; echo "${COMPREPLY[@]}"' "$T/wf.bash")
[ -z "$got" ]
result $? "what is hidden is not offered"
cmp -s "$T/wf.bash" "$B/share/bash-completion/completions/wf"
result $? "make put it into share/bash-completion"
done_testing
