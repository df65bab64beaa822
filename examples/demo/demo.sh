#!/bin/bash
# demo.sh [DIRECTORY] - a real workflow, a killed engine, a failed task, and what all that costs.
#
# Behind `make demo`. Runs examples/crack with build/bin/wf in a directory of its own (build/demo),
# kills the engine with -9 in the middle, starts it again, meets a mistake in an input file, cures it,
# and compares the results with those of a plain shell run. What it prints is counted: from the
# tasks' own records and from a ledger into which every program writes a line when it starts.
#
# BIN=build/bin names the programs. Exits with 0 only if all of it came out as promised.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$(cd "${BIN:-$root/build/bin}" && pwd)
demo=${1:-$root/build/demo}
kill_at=40		# per cent of the tasks
patience=120		# seconds that any one wait may take

say()  { printf '%s\n' "$*"; }
head_line() { printf '\n== %s\n' "$*"; }
die()  { printf 'demo: %s\n' "$*" >&2; exit 1; }
now()  { date +%s.%N; }
# since TIME [DIGITS]: seconds from then to now
since() { awk -v a="$1" -v b="$(now)" -v d="${2:-1}" 'BEGIN { printf "%.*f", d, b - a }'; }
# The command and its words, shown and run.
show() { printf '$ %s\n' "$*"; "$@"; }

for tool in jq lmp redis-server redis-cli make cc pkg-config; do
	command -v "$tool" > /dev/null || die "'$tool' is missing; 'make deps' installs it"
done
[ -x "$bin/wf" ] || die "no '$bin/wf'; 'make' builds it"

began=$(now)

# ---- a directory of its own, and nothing left behind in it or after it -------------------------

if [ -e "$demo" ]; then
	[ -e "$demo/.wf-demo" ] || die "'$demo' exists and is not a demo's; name another directory"
	WF_STATE_DIR=$demo/state "$bin/wf" engine stop > /dev/null 2>&1 || true
	rm -rf "$demo"
fi
mkdir -p "$demo"
demo=$(cd "$demo" && pwd)
touch "$demo/.wf-demo"
# The agent leaves soon after its last task, not a minute later.
export WF_AGENT_LINGER_MS=3000
export WF_STATE_DIR=$demo/state CRACK_LEDGER=$demo/starts PATH=$bin:$PATH

run=
watcher=
finish() {
	[ -z "$watcher" ] || kill "$watcher" 2> /dev/null || true
	[ -z "$run" ] || wf cancel "$run" > /dev/null 2>&1 || true
	wf engine stop > /dev/null 2>&1 || true
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cp -r "$root/examples/crack" "$demo/crack"
cd "$demo/crack"
rm -rf bin obj
make -s

# ---- facts, from JSON and from the ledger ------------------------------------------------------

tasks() { wf tasks "$run" --json; }
ended='(.state == "succeeded" or .state == "failed" or .state == "skipped" or .state == "canceled")'
count() { jq "[.items[] | select($1)] | length" < "$2"; }
# A time of the API as seconds: ISO 8601 with a fraction, or a number.
seconds='def seconds: if type == "number" then (if . > 1e11 then . / 1000 else . end)
	else (sub("[.][0-9]+"; "") | sub("[+]00:00$"; "Z") | fromdateiso8601)
		+ ((capture("[.](?<f>[0-9]+)").f // "0") | "0.\(.)" | tonumber) end;'
starts() { wc -l < "$CRACK_LEDGER"; }
# Tasks that were started more than once, by their own account.
repeated() { cut -d' ' -f1,2 "$CRACK_LEDGER" | sort | uniq -d | wc -l; }

# ---- plan --------------------------------------------------------------------------------------

# The fastest member, measured here, says what to expect of the others: a simulation takes as many
# steps as its rate is low, an analysis always the same.
calibrate() {
	local calibration=$demo/calibration from simulated analysed
	mkdir -p "$calibration/member/0.024-11"
	(
		unset CRACK_LEDGER
		cd "$calibration"
		"$demo/crack/md.sh" -in "$demo/crack/in.prepare" > /dev/null
		cd member/0.024-11
		from=$(now)
		"$demo/crack/md.sh" -in "$demo/crack/in.crack" -var rate 0.024 -var seed 11 > /dev/null
		simulated=$(since "$from" 3)
		from=$(now)
		"$demo/crack/bin/bonds" 0.024 11 dump.crack bonds.tsv > /dev/null
		"$demo/crack/bin/csym" 0.024 11 dump.crack "$demo/crack/thresholds.txt" csym.tsv > /dev/null
		"$demo/crack/bin/cna" 0.024 11 dump.crack cna.tsv > /dev/null
		analysed=$(since "$from" 3)
		# mean of 0.024/rate over the rates: 1.875; a quarter of a second is LAMMPS starting
		awk -v s="$simulated" -v a="$analysed" \
			'BEGIN { printf "%.2fs %.2fs\n", 0.25 + (s - 0.25) * 1.875, a / 3 }'
	)
	rm -rf "$calibration"
}

head_line "plan, with times expected from one member measured here"
read -r md_time analysis_time < <(calibrate)
expected=(-p "md_time=$md_time" -p "analysis_time=$analysis_time")
show wf plan crack.yaml "${expected[@]}"
planned=$(wf plan crack.yaml "${expected[@]}" --json | jq -r '(.makespan_ms // empty) / 1000')

# ---- a mistake that people make ----------------------------------------------------------------

say
say "A line is added to thresholds.txt by hand, with a decimal comma: '0.012  13  0,05'."
printf '0.012    13     0,05\n' >> thresholds.txt

# ---- run, and kill the engine in the middle ----------------------------------------------------

head_line "run"
say "\$ wf submit crack.yaml --executor local"
run=$(wf submit crack.yaml --executor local -q)
say "run $run"
wf watch "$run" &
watcher=$!

deadline=$((SECONDS + patience))
while :; do
	tasks > "$demo/tasks-before.json" || die "the engine does not answer"
	total=$(jq '.items | length' < "$demo/tasks-before.json")
	done_=$(count "$ended" "$demo/tasks-before.json")
	[ $((done_ * 100)) -lt $((total * kill_at)) ] || break
	[ $SECONDS -lt $deadline ] || die "only $done_ of $total tasks after $patience s"
	sleep 0.2
done
pid=$(wf engine status --json | jq .pid)
kill -9 "$pid"
killed=$(now)
kill "$watcher" 2> /dev/null || true
wait "$watcher" 2> /dev/null || true
watcher=
starts_before=$(starts)
active=$(count '.state == "running"' "$demo/tasks-before.json")

head_line "kill -9 $pid: the engine is gone at $done_ of $total tasks, $active running without it"
started=$(now)
show wf engine start
wf status "$run" --json > /dev/null
back=$(since "$started")
away=$(since "$killed")
say "back in $back s; the run goes on"
say
wf watch "$run" || true
wf wait "$run" --timeout "$patience" > /dev/null 2>&1 || true

tasks > "$demo/tasks-first.json"
lost=$(jq -n --slurpfile b "$demo/tasks-before.json" --slurpfile a "$demo/tasks-first.json" '
	($a[0].items | map({key: .id, value: .}) | from_entries) as $after
	| [$b[0].items[] | select(.state == "succeeded" or .state == "running")
		| $after[.id] | select(. == null or (.state != "succeeded" and .state != "failed"))] | length')
again=$(count '.attempt > 1' "$demo/tasks-first.json")
rerun=$(repeated)
[ "$again" -le "$rerun" ] || rerun=$again
killed_line="killed at $done_ of $total; back in $back s; $lost lost, $rerun rerun"
say
say "$killed_line"
say "  ($starts_before starts in the ledger when it was killed, $(starts) at the end, each of another task)"
[ "$lost $rerun" = "0 0" ] || die "the engine's death was not free"

# ---- the failure -------------------------------------------------------------------------------

head_line "one task failed, and what waits for it was skipped"
failed=$(jq -r '.items[] | select(.state == "failed") | .id' < "$demo/tasks-first.json")
[ "$(wc -w <<< "$failed")" = 1 ] || die "expected one failed task, found: $failed"
skipped=$(count '.state == "skipped"' "$demo/tasks-first.json")
show wf explain "$run" "$failed"
say
say "The comma becomes a point:"
show sed -i 's/0,05/0.05/' thresholds.txt
before_retry=$(starts)
show wf retry "$run"
wf watch "$run" || true
wf wait "$run" --timeout "$patience" > /dev/null || die "the run did not succeed after the retry"
retried=$(tail -n +$((before_retry + 1)) "$CRACK_LEDGER" |
	awk '{ printf "%s%s%s", n++ ? ", " : "", $1, $2 == "-" ? "" : "[" $2 "]" }')
retries=$(($(starts) - before_retry))
say
say "retried: $retries tasks started ($retried); the other $((total - retries)) kept"
[ "$retries" = $((skipped + 1)) ] || die "expected $((skipped + 1)) starts, the ledger has $retries"

head_line "services"
show wf services "$run"
grep -h 'results from the store' <(wf logs "$run" gather) || true

# ---- the same without wf -----------------------------------------------------------------------

head_line "the same programs in a plain shell loop, two at a time"
plain_began=$(now)
./plain.sh "$demo/plain"
plain=$(since "$plain_began")
same=0
for f in table.tsv crack.png member/*/*.tsv; do
	cmp -s "$f" "$demo/plain/$f" || die "'$f' differs from that of the plain run"
	same=$((same + 1))
done
say "$same files compared with those of the plain run: all the same, to the bit"

# ---- what it cost ------------------------------------------------------------------------------

head_line "what it cost (the first pass, until $total tasks had ended)"
read -r makespan work width < <(jq -r "$seconds"'
	[.items[] | select(.started_at != null and .ended_at != null)
		| {a: (.started_at | seconds), b: (.ended_at | seconds)}] as $t
	| (($t | map(.b) | max) - ($t | map(.a) | min)) as $makespan
	| ($t | map(.b - .a) | add) as $work
	| ([$t[] | [.a, 1], [.b, -1]] | sort | reduce .[] as $e ({now: 0, most: 0};
		.now += $e[1] | .most = ([.most, .now] | max)) | .most) as $width
	| "\($makespan) \($work) \($width)"' < "$demo/tasks-first.json")
awk -v planned="${planned:-0}" -v makespan="$makespan" -v work="$work" -v width="$width" \
	-v away="$away" -v plain="$plain" 'BEGIN {
	if (planned > 0)
		printf "planned   %6.1f s  by wf plan, from the times expected\n", planned
	printf "measured  %6.1f s  from the first start to the last end, the engine dead for %.1f s of it\n", makespan, away
	printf "bound     %6.1f s  no schedule can beat: %.1f s of tasks on %d cores\n", work / width, work, width
	printf "overhead  %6.1f s  measured minus bound: %.1f %%, all waiting and starting included\n",
		makespan - work / width, 100 * (makespan * width / work - 1)
	printf "plain     %6.1f s  the shell loop, start to end\n", plain
}'

wf engine stop > /dev/null
run=
head_line "done in $(since "$began") s"
say "$killed_line"
say
say "  picture    $demo/crack/crack.png"
say "  table      $demo/crack/table.tsv"
say "  directory  $demo/crack"
say
say "Your own command: in a file my.yaml"
say
say "  workflow: {name: mine}"
say "  steps:"
say "    - name: first"
say "      foreach: {i: {range: 10}}"
say "      command: ./my-program {{ i }}"
say
say "then: $bin/wf submit my.yaml --watch"
say "More in $root/examples/crack/README.md."
