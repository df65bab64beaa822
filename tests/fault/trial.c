/* trial.c - owns one trial: the scenario on a real engine and agent in a directory of its own, the client's log, and what is said about it.
 *
 * The client does what a person's tools do: when the engine is dead it starts another and asks again. What was answered goes into `acks`, which the
 * checker compares with the events:
 *     submit KEY RUN REV      pause | resume | cancel RUN REV      seen RUN REV      ended RUN STATE REV
 */
#include "tests/fault/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/os.h"
#include "tests/fault/sweep.h"

enum { DEADLINE_MS = 30000, TURN_MS = 2 };

/* 50 tasks, two services, fan-outs, a retry, a list made at run time, results, a skip. `gate` ends when the client has paused and resumed. */
static const char main_run[] =
	"workflow: {name: sweep}\n"
	"services:\n"
	"  - {name: one, type: COMMAND, command: ./body serve, ready: {file: \"{{ service.dir }}/up\", every: 5ms}, stop: [{signal: TERM, wait: 5s}],\n"
	"     provides: {ONE_DIR: \"{{ service.dir }}\"}, on_failure: {action: restart, limit: 3, backoff: 1ms}}\n"
	"  - {name: two, type: COMMAND, command: ./body serve, ready: {file: \"{{ service.dir }}/up\", every: 5ms}, stop: [{signal: TERM, wait: 5s}],\n"
	"     provides: {TWO_DIR: \"{{ service.dir }}\"}, on_failure: {action: restart, limit: 3, backoff: 1ms}}\n"
	"steps:\n"
	"  - {name: list, argv: [./body, list], results: [cases]}\n"
	"  - {name: case, foreach: {c: {from: list, list: cases}}, argv: [./body, plain]}\n"
	"  - {name: gate, argv: [./body, gate]}\n"
	"  - {name: a, foreach: {i: {range: 12}}, argv: [./body, plain], services: [{name: one, access: RO}]}\n"
	"  - {name: b, after: [{step: a, each: true}], argv: [./body, plain]}\n"
	"  - {name: again, foreach: {i: {range: 2}}, argv: [./body, retry], retry: {limit: 1, backoff: 10ms}}\n"
	"  - {name: c, after: [gate], foreach: {i: {range: 10}}, argv: [./body, plain], services: [{name: one, access: RO}, {name: two, access: RO}]}\n"
	"  - {name: odd, after: [gate], foreach: {i: {range: 4}}, when: \"i < 2\", argv: [./body, plain]}\n"
	"  - {name: last, after: [b, c, case, again], foreach: {i: {range: 3}}, argv: [./body, plain], services: [two]}\n";
static const char edges[] = "case list all\nb a each\nc gate all\nodd gate all\nlast b all\nlast c all\nlast case all\nlast again all\nnever hang all\n";
static const char other_run[] =
	"workflow: {name: hangs}\n"
	"steps:\n"
	"  - {name: hang, foreach: {i: {range: 2}}, argv: [./body, hang]}\n"
	"  - {name: never, after: [hang], argv: [./body, plain]}\n";

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void blink(void)
{
	struct timespec t = { 0, TURN_MS * 1000000 };

	nanosleep(&t, NULL);
}

/* The first trouble is the one that counts. */
static int trouble(struct trial *t, const char *fmt, ...)
{
	va_list ap;

	if (!*t->problem) {
		va_start(ap, fmt);
		vsnprintf(t->problem, sizeof(t->problem), fmt, ap);
		va_end(ap);
	}
	return -1;
}

static int late(struct trial *t, const char *doing)
{
	return now_ms() > t->deadline ? trouble(t, "not within %d s: %s", DEADLINE_MS / 1000, doing) : 0;
}

/* ---- processes: all that starts below us comes to us when its parent dies ------------------------------------------ */

static void set_environment(const struct trial *t)
{
	char text[600];

	snprintf(text, sizeof(text), "%s/s", t->dir);
	setenv("WF_STATE_DIR", text, 1);
	snprintf(text, sizeof(text), "%s/t", t->dir);
	setenv("TMPDIR", text, 1);
	snprintf(text, sizeof(text), "%s/none", t->dir);
	setenv("XDG_CONFIG_HOME", text, 1);
	setenv("WF_LOCAL_CORES", "6", 1);
	setenv("WF_AGENT_LINGER_MS", "30", 1);
	unsetenv("WF_FAULT");
	unsetenv("WF_FAULT_LOG");
	unsetenv("SLURM_CONF");
	if (t->fault) {
		setenv("WF_FAULT", t->fault, 1);
		snprintf(text, sizeof(text), "%s/once", t->dir);
		setenv("WF_FAULT_ONCE", text, 1);
	}
	if (t->log)
		setenv("WF_FAULT_LOG", t->log, 1);
}

static pid_t start(const struct trial *t, char *const *argv, const char *output)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	set_environment(t);
	fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	execv(argv[0], argv);
	_exit(127);
}

static void see(struct trial *t, pid_t pid, int status)
{
	if (pid > 0 && WIFSIGNALED(status))
		t->killed = 1;
}

static void reap(struct trial *t)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		see(t, pid, status);
}

/* Nobody is left, or -1. */
static int all_ended(struct trial *t)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) >= 0 || errno == EINTR) {
		see(t, pid, status);
		if (pid > 0)
			continue;
		if (late(t, "processes that are to end") < 0)
			return -1;
		blink();
	}
	return 0;
}

/* Our children, at the end of a trial that went wrong: none may reach the next one. */
static void end_all(void)
{
	char path[64];
	int pid, any;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	do {
		FILE *f = fopen(path, "r");

		for (any = 0; f && fscanf(f, "%d", &pid) == 1; any = 1)
			kill(pid, SIGKILL);
		if (f)
			fclose(f);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (any)
			blink();
	} while (any);
}

/* ---- the client ----------------------------------------------------------------------------------------------------- */

static int ensure_engine(struct trial *t)
{
	char program[600], state[600], output[600];
	char *argv[] = { program, (char *)(uintptr_t)"--state-dir", state, NULL };

	snprintf(program, sizeof(program), "%s/wf-engine", t->bin);
	snprintf(state, sizeof(state), "%s/s", t->dir);
	snprintf(output, sizeof(output), "%s/start.log", t->dir);
	while (!client_reaches(t->socket)) {
		int status = 0;
		pid_t pid;

		reap(t);
		t->starts++;
		pid = start(t, argv, output);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		see(t, pid, status);
		if (status && late(t, "an engine that serves") < 0)
			return -1;
		if (status)
			blink();
	}
	return 0;
}

/* Until it is answered. 0 with the status, -1 when the deadline passed. */
static int ask(struct trial *t, const char *method, const char *path, json_t *body, int *status, json_t **answer)
{
	for (;;) {
		if (ensure_engine(t) < 0)
			return -1;
		*status = client_ask(t->socket, method, path, body, answer);
		if (*status >= 0 && *status < 500)
			return 0;
		json_decref(*answer);
		*answer = NULL;
		if (late(t, path) < 0)
			return -1;
		if (*status >= 0)
			blink();
	}
}

static long long rev_of(const json_t *run)
{
	const json_t *rev = json_object_get(run, "rev");

	return json_is_string(rev) ? atoll(json_string_value(rev)) : json_integer_value(rev);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static int submit(struct trial *t, const char *text, const char *key, char *id, size_t size)
{
	char work[600], tmp[600], once[600];
	json_t *body, *answer;
	int status, rc;

	snprintf(work, sizeof(work), "%s/w", t->dir);
	snprintf(tmp, sizeof(tmp), "%s/t", t->dir);
	snprintf(once, sizeof(once), "%s/once", t->dir);
	/* The services' host has the run's environment. */
	body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s*, s:s*, s:s}}", "workflow", text, "file", key, "key", key, "executor",
			 "local", "workdir", work, "env", "PATH", "/usr/bin:/bin", "TMPDIR", tmp, "WF_FAULT", t->fault, "WF_FAULT_LOG", t->log,
			 "WF_FAULT_ONCE", once);
	rc = ask(t, "POST", "/runs", body, &status, &answer);
	json_decref(body);
	if (rc < 0)
		return -1;
	if (status / 100 != 2) {
		trouble(t, "submit of '%s': %d %s", key, status, text_of(answer, "detail"));
		json_decref(answer);
		return -1;
	}
	snprintf(id, size, "%s", text_of(answer, "id"));
	fprintf(t->acks, "submit %s %s %lld\n", key, id, rev_of(answer));
	json_decref(answer);
	return 0;
}

/* Looks at the run until it is in one of the states (words, each in blanks), or ended. */
static int await(struct trial *t, const char *id, const char *states, char *state, size_t size)
{
	char path[160], word[40];
	long long rev = 0;

	for (;;) {
		json_t *run;
		int status;

		snprintf(path, sizeof(path), "/runs/%s?wait=5&rev=%lld", id, rev);
		if (ask(t, "GET", path, NULL, &status, &run) < 0)
			return -1;
		if (status != 200) {
			trouble(t, "run %s: %d %s", id, status, text_of(run, "detail"));
			json_decref(run);
			return -1;
		}
		rev = rev_of(run);
		snprintf(state, size, "%s", text_of(run, "state"));
		fprintf(t->acks, "seen %s %lld\n", id, rev);
		json_decref(run);
		snprintf(word, sizeof(word), " %s ", state);
		if (strstr(states, word))
			return 0;
		if (strstr(" succeeded failed canceled ", word))
			return trouble(t, "run %s is %s, waited for%s", id, state, states);
		if (late(t, path) < 0)
			return -1;
	}
}

/* A verb that may be asked again: 409 is right when an answer before was lost and the run is as it should be. */
static int verb(struct trial *t, const char *id, const char *what, const char *states)
{
	char path[160], state[40];
	json_t *answer, *body = json_object();
	int status, rc;

	snprintf(path, sizeof(path), "/runs/%s:%s", id, what);
	rc = ask(t, "POST", path, body, &status, &answer);
	json_decref(body);
	if (rc < 0)
		return -1;
	if (status / 100 == 2)
		fprintf(t->acks, "%s %s %lld\n", what, id, rev_of(answer));
	else if (status != 409)
		trouble(t, "%s: %d %s", what, status, text_of(answer, "detail"));
	json_decref(answer);
	return *t->problem ? -1 : await(t, id, states, state, sizeof(state));
}

static int ends(struct trial *t, const char *id, const char *states)
{
	char state[40];

	if (await(t, id, states, state, sizeof(state)) < 0)
		return -1;
	fprintf(t->acks, "ended %s %s\n", id, state);
	return 0;
}

static int touch(struct trial *t, const char *name)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return trouble(t, "cannot create '%s'", path);
	close(fd);
	return 0;
}

/* An engine that dies while it leaves has left nothing behind but what a next one takes away. */
static int stop(struct trial *t)
{
	json_t *answer;
	int status;

	do {
		if (ensure_engine(t) < 0)
			return -1;
		t->killed = 0;
		if (ask(t, "POST", "/engine:stop", NULL, &status, &answer) < 0)
			return -1;
		json_decref(answer);
		if (status / 100 != 2)
			return trouble(t, "stop: %d", status);
		if (all_ended(t) < 0)
			return -1;
	} while (t->killed);
	return 0;
}

static int play(struct trial *t)
{
	static const char running[] = " running closing ", over[] = " succeeded failed canceled ";
	char id[80], other[80], state[40];

	if (submit(t, main_run, "main", id, sizeof(id)) < 0 || await(t, id, running, state, sizeof(state)) < 0 ||
	    verb(t, id, "pause", " paused ") < 0 || submit(t, other_run, "other", other, sizeof(other)) < 0 ||
	    verb(t, id, "resume", running) < 0 || touch(t, "w/go") < 0 ||
	    await(t, other, " running ", state, sizeof(state)) < 0 || verb(t, other, "cancel", " canceling canceled ") < 0)
		return -1;
	return ends(t, id, t->succeeds ? " succeeded " : over) < 0 || ends(t, other, " canceled ") < 0 || stop(t) < 0 ? -1 : 0;
}

/* ---- a directory of its own ----------------------------------------------------------------------------------------------- */

static int put(struct trial *t, const char *name, const char *text)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	f = fopen(path, "w");
	if (!f)
		return trouble(t, "cannot create '%s'", path);
	fputs(text, f);
	fclose(f);
	return 0;
}

static int prepare(struct trial *t)
{
	static const char *const dirs[] = { "", "/w", "/w/locks", "/t", "/once" };
	char path[600], program[600];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", t->dir, dirs[i]);
		if (mkdir(path, 0700) < 0)
			return trouble(t, "cannot make '%s': %s", path, strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/w/body", t->dir);
	snprintf(program, sizeof(program), "%s/body", t->tests);
	if (symlink(program, path) < 0 || put(t, "edges", edges) < 0)
		return trouble(t, "cannot prepare '%s'", t->dir);
	snprintf(path, sizeof(path), "%s/acks", t->dir);
	t->acks = fopen(path, "w");
	snprintf(t->socket, sizeof(t->socket), "%s/s/socket", t->dir);
	return t->acks ? 0 : trouble(t, "cannot create '%s'", path);
}

static void check(struct trial *t)
{
	char program[600], output[600], line[200];
	char *argv[] = { program, t->calm ? (char *)(uintptr_t)"--calm" : t->dir, t->calm ? t->dir : NULL, NULL };
	int status = 0;
	FILE *f;
	pid_t pid;

	snprintf(program, sizeof(program), "%s/check", t->tests);
	snprintf(output, sizeof(output), "%s/verdict", t->dir);
	pid = start(t, argv, output);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return;
	f = fopen(output, "r");
	snprintf(line, sizeof(line), "the checker ended with %d", status);
	if (f && !fgets(line, sizeof(line), f))
		snprintf(line, sizeof(line), "the checker ended with %d and no word", status);
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = '\0';
	trouble(t, "%s", line);
}

static int exists(const struct trial *t, const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/once/%s", t->dir, name);
	return access(path, F_OK) == 0;
}

int trial_run(struct trial *t)
{
	int64_t begun = now_ms();

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	t->problem[0] = '\0';
	t->starts = t->killed = 0;
	t->deadline = begun + DEADLINE_MS;
	/* What hangs would keep the checker from the files; it is trouble enough. */
	if (prepare(t) < 0 || play(t) < 0)
		end_all();
	if (t->acks)
		fclose(t->acks);
	t->acks = NULL;
	t->fired = exists(t, "1") + exists(t, "2");
	/* Whatever went wrong: what was acknowledged until then must be there. */
	check(t);
	end_all();
	t->took_ms = now_ms() - begun;
	return *t->problem ? -1 : 0;
}
