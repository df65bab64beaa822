#!/bin/sh
# import: traces of every version of WfFormat become valid workflow files with the trace's edges; what is wrong is placed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
wfformat=$top/tests/cli/wfformat.py
cd "$T" || exit 1

for v in 1.0 1.1 1.2 1.3 1.4 1.5 1.6; do
	python3 "$wfformat" make $v 60 7 >"$v.json"
	try 0 "WfFormat $v" "$WF" import wfformat "$v.json" -o "$v.yaml"
	try 0 "... is a valid workflow file" "$WF" validate "$v.yaml"
	has out "61 tasks"
	"$WF" graph "$v.yaml" --format json >graph.json
	check "... with the edges of the trace" python3 "$wfformat" edges "$v.json" graph.json
done
try 0 "without -o it goes to standard output" "$WF" import wfformat 1.6.json
same out 1.6.yaml

try 0 "a large one" sh -c 'python3 "$1" make 1.6 20000 1 >large.json && "$2" import wfformat large.json -o large.yaml' - "$wfformat" "$WF"
try 0 "... is valid" "$WF" validate large.yaml
has out "20001 tasks"

try 0 "--time-scale 0 --size-scale 0" "$WF" import wfformat 1.6.json --time-scale 0 --size-scale 0
has out 'argv: ["true"]'
hasnt out "sleep"
hasnt out "outputs"
try 0 "--burn" "$WF" import wfformat 1.6.json --burn
has out "sha256sum"
for s in -1 x 1e9 "" nan; do
	try 2 "--time-scale '$s' is wrong usage" "$WF" import wfformat 1.6.json --time-scale "$s"
	has err "'--time-scale' needs a number from 0 to 1000000"
done
try 2 "another format" "$WF" import dax 1.6.json
has err "no format 'dax' to import; there is wfformat"
try 5 "a file that is missing" "$WF" import wfformat nosuch.json
has err "nosuch.json"

printf '{"schemaVersion": "1.3",\n "workflow": {"tasks": [{"name": "a"},\n  {"name": "b", "parents": ["c"]}]}}' >bad.json
try 3 "a parent that is none" "$WF" import wfformat bad.json -o bad.yaml
same err - <<'E'
wf: bad.json:3:29: no task 'c'
E
[ ! -e bad.yaml ]
result $? "... and nothing was written"
printf '{"schemaVersion": "1.3",\n "workflow": {"tasks": [{"name": "a"}' >cut.json
try 3 "a file that ends in the middle" "$WF" import wfformat cut.json
has err "wf: cut.json:2:"
printf '\377{' >bytes.json
try 3 "bytes that are no text" "$WF" import wfformat bytes.json
has err "wf: bytes.json:1:"
done_testing
