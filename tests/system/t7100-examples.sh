#!/usr/bin/env bash
# t7100-examples.sh - every example runs, every YAML block of the documentation is planned, and run where it says `# runs`
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
need redis-server
need lmp

cp -r examples "$T/examples"
(cd "$T/examples/hello" && "$WF" submit hello.yaml --executor local --wait >"$T/log" 2>&1)
is $? 0 "examples/hello runs"
(cd "$T/examples/sweep" && "$WF" submit sweep.yaml --executor local --wait >"$T/log" 2>&1)
is $? 0 "examples/sweep runs, its failures tolerated"
is "$("$WF" status @last --json | jq -c '[.state, .counts.succeeded, .counts.failed]')" '["succeeded",10,4]' "4 of 12 points failed as they must"
(cd "$T/examples/crack" && make -s >"$T/log" 2>&1 && "$WF" submit crack.yaml --executor local -p 'rates=0.012' -p 'seeds=11,12' -p show=0.012-11 --wait >>"$T/log" 2>&1)
is $? 0 "examples/crack runs, with two members" || tail -n 20 "$T/log" | sed 's/^/# /'
ok "and draws its picture" test -s "$T/examples/crack/crack.png"

# ---- the documentation ---------------------------------------------------------------------------------------

mkdir -p "$T/blocks" "$T/inst/bin" "$T/inst/share/wf"
cp "$B/bin/wf" "$T/inst/bin/"
cp -rL "$B/share/wf/types" "$T/inst/share/wf/types"
n=0
for doc in README.md docs/*.md examples/*/README.md; do
	awk -v d="$T/blocks" -v name="$(printf '%s' "$doc" | tr '/.' '__')" '
		/^```yaml/ { f = 1; n++; file = d "/" name "_" n ".yaml"; next }
		/^```/ { f = 0; next }
		f { print > file }' "$doc"
done
for block in "$T"/blocks/*.yaml; do
	if grep -q '^driver:' "$block"; then
		name=$(sed -n 's/^driver: *\([A-Za-z0-9]*\).*/\1/p' "$block" | tr 'A-Z' 'a-z')
		mkdir -p "$T/inst/share/wf/types/$name"
		cp "$block" "$T/inst/share/wf/types/$name/driver.yaml"
	fi
done
# A block may need values and tables that its reader would give: they are given as its errors ask for them.
planned() { # file
	local given='' name column tries=0
	while [ $tries -lt 6 ]; do
		tries=$((tries + 1))
		(cd "$T/blocks" && "$T/inst/bin/wf" plan $given "$1") >"$T/plan" 2>&1 && return 0
		name=$(sed -n 's/.*give it with -p \([A-Za-z0-9_]*\)=VALUE.*/\1/p' "$T/plan" | head -n 1)
		if [ -n "$name" ]; then
			given="$given -p $name=/tmp/$name"
			continue
		fi
		name=$(sed -n "s/.*cannot open '\([^']*\.csv\)'.*/\1/p" "$T/plan" | head -n 1)
		[ -n "$name" ] || break
		column=$(grep -oE '\{\{ [a-z]+\.[a-z_]+' "$1" | sed 's/.*\.//' | sort -u | paste -sd,)
		printf '%s\n%s\n' "$column" "$(printf '%s' "$column" | sed 's/[a-z_]\{1,\}/1/g')" >"$name"
	done
	cat "$T/plan"
	return 1
}
for block in "$T"/blocks/*.yaml; do
	name=$(basename "$block")
	n=$((n + 1))
	if grep -q '^driver:' "$block"; then
		printf 'workflow: {name: probe}\nsteps: [{name: a, argv: ["true"]}]\n' >"$T/probe.yaml"
		ok "driver block $name is read" "$T/inst/bin/wf" validate "$T/probe.yaml"
	elif grep -q '^workflow:' "$block"; then
		ok "workflow block $name is planned" planned "$block"
	else
		# A part of a file: it is shown inside the file it is part of.
		{ grep -q '^steps:' "$block" || echo 'steps: [{name: a, argv: ["true"]}]'; echo 'workflow: {name: part}'; cat "$block"; } >"$T/part.yaml"
		ok "block $name is valid as part of a file" "$T/inst/bin/wf" validate "$T/part.yaml"
	fi
done
ok "there are blocks to test" test "$n" -ge 5
mkdir "$T/readme"
(cd "$T/readme" && "$WF" submit "$T/blocks/README_md_1.yaml" --executor local --wait >"$T/log" 2>&1)
is $? 0 "the workflow of the README runs"
is "$(sort "$T/readme/greetings.txt" 2>/dev/null | tr '\n' ,)" "hello ada,hello grace," "and writes what it says"
done_testing
