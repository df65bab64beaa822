#!/usr/bin/env bash
# run.sh libfuzzer|afl BUILD CPU-SECONDS SUBJECT...  - fuzz each subject for so much processor time, one after the other, and say what came of it
#
# Corpora grow in BUILD/fuzz/corpus/SUBJECT (or afl/SUBJECT), seeded from tests/fuzz/corpus and tests/fuzz/finds; what breaks is kept in
# BUILD/fuzz/finds/SUBJECT. A line per subject: executions, edges, processor time. Exit code 1 when anything was found. `minimise` in place of
# the kind writes the smallest corpus with the same coverage back to tests/fuzz/corpus.
set -euo pipefail

kind=$1 build=$2 seconds=$3
shift 3
work=$build/fuzz
tmp=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/wf-fuzz-run.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp
export UBSAN_OPTIONS=print_stacktrace=1
found=0

seeds() { # SUBJECT: its directories
	local dir
	for dir in "tests/fuzz/corpus/$1" "tests/fuzz/finds/$1"; do
		[ -d "$dir" ] && echo "$dir"
	done
	return 0
}

dictionary() {
	[ -f "tests/fuzz/$1.dict" ] && echo "tests/fuzz/$1.dict" || echo
}

# Processor time of the last command, in whole seconds; a loaded machine gives less of it than the clock says.
cpu_of() { awk '{ print int($1 + $2 + 0.5) }' "$tmp/time"; }

libfuzzer() { # SUBJECT
	local subject=$1 corpus=$work/corpus/$1 finds=$work/finds/$1/ log=$work/$1.log dict spent=0 runs=0 edges=0 rc=0 round
	local -a options=(-max_len=4096 -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=256 -print_final_stats=1 -verbosity=1)
	mkdir -p "$corpus" "$finds"
	: >"$log"
	dict=$(dictionary "$subject")
	[ -n "$dict" ] && options+=(-dict="$dict")
	mapfile -t round < <(seeds "$subject")
	while [ "$spent" -lt "$seconds" ]; do
		TIMEFORMAT='%U %S'
		{ time "$build/test/tests/fuzz/${subject}_fuzz" "${options[@]}" -artifact_prefix="$finds" \
			-max_total_time=$((seconds - spent < 60 ? seconds - spent : 60)) "$corpus" "${round[@]}" >"$tmp/log" 2>&1 || rc=$?; } 2>"$tmp/time"
		cat "$tmp/log" >>"$log"
		spent=$((spent + $(cpu_of)))
		runs=$((runs + $(sed -n 's/^stat::number_of_executed_units: //p' "$tmp/log" | tail -n 1)))
		edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$tmp/log" | tail -n 1)
		[ "$rc" -eq 0 ] || break
	done
	if [ "$rc" -ne 0 ]; then
		found=1
		printf '%-10s FOUND SOMETHING: %s (%s)\n' "$subject" "$(find "$finds" -type f | tail -n 1)" "$log"
	fi
	printf '%-10s %10d executions, %5d edges, %4d s of processor time, %d inputs\n' "$subject" "$runs" "$edges" "$spent" \
		"$(find "$corpus" -type f | wc -l)"
}

afl() { # SUBJECT
	local subject=$1 in=$work/in/$1 out=$work/afl/$1 log=$work/$1-afl.log dict stats crashes dir
	local -a options=(-i "$in" -o "$out" -V "$seconds" -m none -t 10000 -g 1 -G 4096)
	rm -rf "$in" "$out"
	mkdir -p "$in" "$out"
	for dir in $(seeds "$subject"); do
		find "$dir" -type f -size -4k -exec cp -t "$in" {} +
	done
	dict=$(dictionary "$subject")
	[ -n "$dict" ] && options+=(-x "$dict")
	export AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1
	afl-fuzz "${options[@]}" -- "$build/test/tests/fuzz/${subject}_fuzz" >"$log" 2>&1 || { tail -n 5 "$log"; found=1; return; }
	stats=$out/default/fuzzer_stats
	crashes=$(find "$out/default/crashes" "$out/default/hangs" -name 'id*' 2>/dev/null | wc -l)
	[ "$crashes" -eq 0 ] || found=1
	printf '%-10s %10d executions, %5d edges, %4d s, %d inputs, %d finds (AFL++)\n' "$subject" \
		"$(sed -n 's/^execs_done *: //p' "$stats")" "$(sed -n 's/^edges_found *: //p' "$stats")" "$seconds" \
		"$(find "$out/default/queue" -name 'id*' | wc -l)" "$crashes"
}

minimise() { # SUBJECT
	local subject=$1 to=$work/minimised/$1 dir
	local -a from=("$work/corpus/$1")
	for dir in $(seeds "$subject"); do
		from+=("$dir")
	done
	rm -rf "$to"
	mkdir -p "$to" "tests/fuzz/corpus/$subject"
	"$build/test/tests/fuzz/${subject}_fuzz" -set_cover_merge=1 -use_counters=0 -max_len=4096 "$to" "${from[@]}" >"$work/$subject-merge.log" 2>&1
	find "tests/fuzz/corpus/$subject" -type f -delete
	cp "$to"/* "tests/fuzz/corpus/$subject"
	printf '%-10s %d inputs, %s\n' "$subject" "$(find "$to" -type f | wc -l)" "$(du -sh --apparent-size "$to" | cut -f1)"
}

mkdir -p "$work"
for subject; do
	case $kind in
	libfuzzer) libfuzzer "$subject" ;;
	afl) afl "$subject" ;;
	minimise) minimise "$subject" ;;
	*) exit 2 ;;
	esac
done
exit "$found"
