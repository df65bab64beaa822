#!/bin/sh
# How runs, tasks, services, events and logs look to people: written down, byte for byte.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
fake '{"GET /api/v1/runs/crack": {"run": "failed"}}'

try 0 "status of a run" "$WF" status crack
same out - <<'O'
run       crack  01jd8m3v5qk7x2f4h6n8p0r2t4
state     failed after 1m03s, started 2026-11-21 09:00:00
tasks     96 of 96 done (96 succeeded)
executor  local (no Slurm configuration on this host)
workdir   /home/u/crack
last      failed

STEP      STATE       DONE  TASKS
prepare   succeeded    1/1  1 succeeded
simulate  failed     20/24  1 failed, 4 running, 19 succeeded
bonds     running    21/24  3 waiting, 21 succeeded
gather    waiting      0/1  1 waiting

SERVICE  TYPE   STATE  GEN  VIEW  ENDPOINT
db       REDIS  ready    1     2  /tmp/wf-u/db/s
O
try 0 "what needs a person comes with the run" "$WF" status
has out "look at   simulate[3] failed: exit 1"
try 0 "runs" "$WF" ls --state succeeded
same out - <<'O'
RUN       NAME   STATE      DONE   TIME  CREATED
n8p0r2aa  hello  succeeded   1/1  1m03s  2026-11-21 09:00
O
try 0 "no runs" "$WF" ls --state paused
[ ! -s "$T/out" ]
result $? "... print nothing"
has err "wf: no runs"
try 0 "tasks" "$WF" tasks crack --failed
same out - <<'O'
TASK         STATE   TRY  TIME  ENDED   HOST   REASON
simulate[3]  failed    2  2.5s  exit 1  node1  exit 1 twice
O
try 0 "one task" "$WF" show crack 'simulate[3]'
same out - <<'O'
task      simulate[3]
state     failed
why       failed: exit 1 twice, and its retry limit is 1
executor  local
command   ./md.sh -var seed 'it'\''s 13'
workdir   /home/u/crack/member/13
with      rate = 0.008
          seed = 13
inputs    in.crack
outputs   dump.crack

TRY  STATE  ENDED   TIME  CPU / MEMORY   HOST   REASON
  1  ended  exit 1  1.0s  0.9s / 50 MiB  node1
  2  ended  exit 1  1.0s  0.9s / 50 MiB  node1  exit 1 twice
O
try 0 "why" "$WF" explain crack gather
same out - <<'O'
gather waits for bonds, of which 3 of 24 have not ended
  simulate[3] failed: exit 1 twice
  db ready
O
try 0 "services" "$WF" services crack
same out - <<'O'
SERVICE  TYPE   STATE  GEN  VIEW  ENDPOINT
db       REDIS  ready    1     2  /tmp/wf-u/db/s
O
try 0 "events" "$WF" events crack
same out - <<'O'
       1  2026-11-21 09:00:00  run.submitted        01jd8m3v5qk7x2f4h6n8p0r2t4 name=crack
       2  2026-11-21 09:00:01  task.released        prepare
       3  2026-11-21 09:00:03  attempt.ended        prepare/1 class=ok exit_code=0
O
try 0 "events after one" "$WF" events crack --since 2
same out - <<'O'
       3  2026-11-21 09:00:03  attempt.ended        prepare/1 class=ok exit_code=0
O
try 0 "events followed to the end" "$WF" events crack -f --json
[ "$(wc -l <"$T/out")" -eq 3 ]
result $? "... a line each"
try 0 "settings" "$WF" config
same out - <<'O'
KEY       VALUE  ORIGIN
executor  local  default
cores     2      /etc/wf/site.yaml
O

# --- logs
try 0 "the log of a task" "$WF" logs crack prepare
same out - <<'O'
one
two
three
O
try 0 "its end" "$WF" logs crack prepare --tail 2
same out - <<'O'
two
three
O
try 0 "no line of it" "$WF" logs crack prepare --tail 0
[ ! -s "$T/out" ]
result $? "... is nothing"
try 0 "more lines than it has" "$WF" logs crack prepare --tail 99
has out "one"
try 0 "standard error where it is separate" "$WF" logs crack prepare --stderr
same out - <<'O'
on stderr
O
try 0 "followed to its end" "$WF" logs crack prepare -f
has out "three"
try 0 "all tasks of a step" "$WF" logs crack simulate
same out - <<'O'
==> simulate[0] (attempt 1, succeeded) <==
fine

==> simulate[3] (attempt 2, failed: exit 1 twice) <==
bad input
no newline

==> simulate[4] (attempt 1, running) <==
step 1
O
try 0 "those that failed" "$WF" logs crack --failed --tail 1
printf '==> simulate[3] (attempt 2, failed: exit 1 twice) <==\nno newline' >"$T/expect"
same out "$T/expect"
try 0 "those of a step that failed" "$WF" logs crack simulate --failed --tail 1
same out "$T/expect"
try 0 "one task, if it failed" "$WF" logs crack 'simulate[3]' --failed
has out "bad input"
try 0 "... and it did not" "$WF" logs crack prepare --failed
has err "prepare has not failed: it is succeeded"
try 0 "all of a run, followed" "$WF" logs crack -f
same out - <<'O'
prepare | one
prepare | two
prepare | three
simulate[0] | fine
simulate[3] | bad input
simulate[3] | no newline
simulate[4] | step 1
O
try 5 "a task that is none" "$WF" logs crack 'simulat[0]'
has err "did you mean 'simulate[0]'?"
[ ! -s "$T/out" ]
result $? "... and standard output is empty"
grep -q 'GET /api/v1/runs/crack/tasks/simulat%5B0%5D/log' "$S/requests"
result $? "brackets are encoded on their way"

# --- refusals of the engine
end_fake
fake '{"GET /api/v1/runs/r2": {"status": 409, "body": {"code": "conflict", "detail": "two runs end in '"'r2'"': 01jd8r2 (a), 01jd9r2 (b)"}},
       "POST /api/v1/runs/crack:retry": {"status": 409, "body": {"code": "conflict", "detail": "run has nothing to retry"}},
       "DELETE /api/v1/runs/01jd8m3v5qk7x2f4h6n8p0r2t4": {"status": 409, "body": {"code": "conflict", "detail": "run is running"}},
       "GET /api/v1/runs/full": {"status": 507, "body": {"code": "full", "detail": "no space left in the state directory"}},
       "GET /api/v1/runs/later": {"status": 500, "body": {"code": "from_the_future", "detail": "something new"}},
       "GET /api/v1/runs/proxy": {"status": 502, "text": "<html>bad gateway</html>"},
       "GET /api/v1/runs/torn": {"text": "{\"id\": "}}'
try 6 "an end that two runs share" "$WF" status r2
has err "wf: two runs end in 'r2': 01jd8r2 (a), 01jd9r2 (b)"
try 6 "nothing to retry" "$WF" retry crack
try 6 "rm of a run that lives" "$WF" rm crack
has err "wf: run is running"
try 5 "no such run" "$WF" cancel nosuch
has err "did you mean 'crack'?"
try 10 "the disk is full" "$WF" status full
try 70 "a code from the future" "$WF" status later
has err "wf: something new"
try 70 "an answer that is no problem document" "$WF" status proxy
has err "HTTP 502: <html>"
try 70 "an answer that is torn" "$WF" status torn

# --- steering
try 0 "cancel" "$WF" cancel crack
grep -q '^POST /api/v1/runs/crack:cancel	{}$' "$S/requests"
result $? "... posts its verb"
try 0 "cancel --dry-run" "$WF" cancel crack --dry-run
has err "would cancel crack"
[ "$(grep -c 'crack:cancel' "$S/requests")" -eq 1 ]
result $? "... posts nothing"
try 5 "cancel of two, of which one is none" "$WF" cancel crack nosuch
has out "crack"
try 0 "pause" "$WF" pause crack
has out "crack (n8p0r2t4) paused: "
try 0 "resume" "$WF" resume crack
try 0 "resolve" "$WF" resolve crack 'simulate[3]' --as rerun
has out "simulate[3] is taken as not run, and runs again"
grep -q '^POST /api/v1/runs/crack/tasks/simulate%5B3%5D:resolve	{"as":"rerun"}$' "$S/requests"
result $? "... posts what was said"
try 0 "rm --dry-run" "$WF" rm crack --dry-run
has out "would remove crack (01jd8m3v5qk7x2f4h6n8p0r2t4)"
done_testing
