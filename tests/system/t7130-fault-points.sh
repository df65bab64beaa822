#!/usr/bin/env bash
# t7130-fault-points.sh - engine, agent and the services' host die, and their writes fail, at fault points of a scenario: a part of `make check-fault`
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
. tests/fault/build.bash
TMPDIR=$T "$FAULT_TESTS/sweep" --take 7 --pairs 5 --seed "${WF_SWEEP_SEED:-1}"
