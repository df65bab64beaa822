/* launch.c - owns the way from a START to a running process: refuse, journal, prepare, spawn.
 *
 * All starts of a frame are journalled with one write before the first is spawned, and all processes with one write after the last.
 * What cannot be started ends at once, with the class that says whose fault it is: an input that is not there, a command that cannot be
 * executed (as a shell would say it: exit code 127 or 126), or this host (launch_failed).
 *
 * A start with `places` may wait here, in a queue: the engine sends a few more than there is room for, and a place is filled again
 * without a question to it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "executors/attempt/env.h"
#include "executors/attempt/setup.h"
#include "executors/local/local.h"

enum {
	CONTROL_FD = 3,
	SCRIPT_FD = 4,
	MARKER_FD = 5,
	FDS = 6,
	REAP_EVERY = 16,               /* starts of a large frame between two looks at what ended meanwhile */
};

uint64_t boot_ticks(void)
{
	static uint64_t per_tick;
	struct timespec ts;

	if (!per_tick)
		per_tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec) / per_tick;
}

/* ---- taking -------------------------------------------------------------------------------------------- */

static char *copy(const char *s)
{
	return s ? wf_xstrdup(s) : NULL;
}

static struct attempt *take(struct agent *g, const struct wf_start *s)
{
	struct wf_attempt_ref ref = { .number = s->number, .key = s->key };
	struct attempt *a = attempt_create(g, &ref);
	struct record r = { .type = RECORD_START, .ref = ref, .token = s->token, .log_dir = s->log_dir, .result_path = s->result_path };

	a->token = copy(s->token);
	a->dir = s->log_dir ? wf_logdir_get(&g->logdirs, s->log_dir) : NULL;
	a->stdout_path = copy(s->stdout_path);
	a->stderr_path = copy(s->stderr_path);
	a->result_path = copy(s->result_path);
	if (s->success_count) {
		a->success_codes = wf_xmalloc(s->success_count * sizeof(*a->success_codes));
		memcpy(a->success_codes, s->success_codes, s->success_count * sizeof(*a->success_codes));
		a->success_count = s->success_count;
	}
	a->first_started_ms = s->first_started_ms;
	a->timeout_ms = s->timeout_ms;
	a->grace_ms = s->grace_ms > 0 ? s->grace_ms : 0;
	a->output_limit = s->output_limit;
	a->update = s->update;
	a->results_needed = s->results_needed;
	a->has_setup = s->setup && *s->setup;
	a->room = journal_ending(s->result_path);
	journal_add(&g->journal, &r);
	return a;
}

/* Why a start cannot be taken, or NULL. Nothing has changed then. */
static const char *refusal(struct agent *g, const struct wf_start *s, struct wf_err *err)
{
	size_t bytes = 128 + (s->token ? strlen(s->token) : 0) + (s->log_dir ? strlen(s->log_dir) : 0) +
		       (s->result_path ? strlen(s->result_path) : 0);

	if (s->number <= g->journal.mark)
		return "its number is at or below the mark";
	if (g->ending)
		return "this agent is about to end";
	if (journal_reserve(&g->journal, bytes, journal_ending(s->result_path), err) < 0)
		return err->text;
	return NULL;
}

/* ---- preparing ----------------------------------------------------------------------------------------- */

static int is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Directories are made with the task's own umask. `known` remembers the last one, as most starts share it. */
static int have_dir(struct agent *g, char **known, const char *path, mode_t umask_bits, struct wf_err *err)
{
	int rc = 0;

	if (*known && strcmp(*known, path) == 0)
		return 0;
	if (!is_dir(path)) {
		mode_t old = umask(umask_bits);

		rc = wf_dir_make(g->os, path, 0777, err);
		umask(old);
	}
	if (rc == 0) {
		free(*known);
		*known = wf_xstrdup(path);
	}
	return rc;
}

/* A result of an earlier attempt is not this one's. */
static int clear_result(struct agent *g, const struct wf_start *s, struct wf_err *err)
{
	char *dir, *slash;
	int rc;

	if (!s->result_path || g->os->ops->unlink(g->os->self, s->result_path) == 0)
		return 0;
	if (errno != ENOENT)
		return wf_err_sys(err, "cannot remove the old result '%s'", s->result_path);
	dir = wf_xstrdup(s->result_path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir)
		*slash = '\0';
	rc = have_dir(g, &g->known_result_dir, dir, s->umask_bits, err);
	free(dir);
	return rc;
}

struct streams {
	int out, err;                  /* for the child; err is out when they are one */
	int kept;                      /* the one that is the attempt's to close */
};

static int open_streams(struct attempt *a, const struct wf_start *s, struct streams *st, struct wf_err *err)
{
	struct wf_logdir_cache *c = &a->agent->logdirs;

	*st = (struct streams){ -1, -1, -1 };
	if (a->stdout_path)
		st->out = wf_output_open_user(c, a->stdout_path, s->umask_bits, err);
	else if (a->dir)
		st->out = st->kept = a->out_fd = wf_output_open(c, a->dir, &a->ref.key, WF_OUTPUT_OUT, &a->out_named, err);
	else
		return wf_errf(err, WF_INVALID, "no directory for its output was given");
	if (st->out < 0)
		return -1;
	if (a->stderr_path && !(a->stdout_path && strcmp(a->stdout_path, a->stderr_path) == 0)) {
		st->err = wf_output_open_user(c, a->stderr_path, s->umask_bits, err);
		return st->err < 0 ? -1 : 0;
	}
	st->err = st->out;
	return 0;
}

/* The child has its own now; only our own files stay open, to be watched and settled. */
static void close_streams(const struct streams *st)
{
	if (st->err >= 0 && st->err != st->out)
		close(st->err);
	if (st->out >= 0 && st->out != st->kept)
		close(st->out);
}

/* ---- spawning ------------------------------------------------------------------------------------------ */

/* A script without an interpreter line runs by /bin/sh, as it would from any shell. */
static pid_t spawn_script(struct agent *g, const struct wf_spawn *sp, struct wf_err *err)
{
	struct wf_spawn sh = *sp;
	const char **argv;
	size_t n = 0;
	pid_t pid;

	while (sp->argv[n])
		n++;
	argv = wf_xmalloc((n + 2) * sizeof(*argv));
	argv[0] = "sh";
	for (size_t i = 0; i <= n; i++)
		argv[i + 1] = sp->argv[i];
	sh.path = "/bin/sh";
	sh.argv = (char *const *)(uintptr_t)argv;
	pid = wf_os_spawn(g->os, &sh, err);
	free(argv);
	return pid;
}

static pid_t spawn(struct agent *g, const struct wf_spawn *sp, mode_t umask_bits, struct wf_err *err)
{
	pid_t pid = wf_os_spawn(g->os, sp, err);

	/* The directory we knew may have gone since. */
	if (pid < 0 && errno == ENOENT && sp->cwd && !is_dir(sp->cwd)) {
		free(g->known_cwd);
		g->known_cwd = NULL;
		if (have_dir(g, &g->known_cwd, sp->cwd, umask_bits, err) < 0) {
			errno = EIO;
			return -1;
		}
		pid = wf_os_spawn(g->os, sp, err);
	}
	if (pid < 0 && errno == ENOEXEC && strchr(sp->path, '/'))
		pid = spawn_script(g, sp, err);
	return pid;
}

static void end_unspawned(struct attempt *a, int e, const struct wf_err *err)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		end_as(a, WF_CLASS_EXIT, 127, err->text);
		break;
	case EACCES:
	case EPERM:
	case ENOEXEC:
	case EISDIR:
	case E2BIG:
	case ELIBBAD:
		end_as(a, WF_CLASS_EXIT, 126, err->text);
		break;
	default:
		end_as(a, WF_CLASS_LAUNCH_FAILED, 0, err->text);
		break;
	}
}

struct plumbing {
	int control[2];                /* ours, the child's */
	int marker[2];                 /* reading end, the child's */
	int script;
};

static void close_plumbing(struct plumbing *p)
{
	int *fds[] = { &p->control[0], &p->control[1], &p->marker[0], &p->marker[1], &p->script };

	for (size_t i = 0; i < WF_COUNT(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
}

static int lay_plumbing(struct plumbing *p, const struct wf_start *s, const char *const *env, struct wf_err *err)
{
	struct wf_buf script = { 0 };

	*p = (struct plumbing){ { -1, -1 }, { -1, -1 }, -1 };
	if (s->control && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->control) < 0)
		return wf_err_sys(err, "cannot make its control socket");
	if (!s->setup || !*s->setup)
		return 0;
	if (pipe2(p->marker, O_CLOEXEC) < 0)
		return wf_err_sys(err, "cannot make the pipe for its setup");
	wf_setup_script(&script, s->setup, env, SCRIPT_FD, MARKER_FD);
	p->script = wf_setup_file(&script, err);
	wf_buf_release(&script);
	return p->script < 0 ? -1 : 0;
}

/* The command, behind a login shell when there are setup lines. Free the list. */
static const char **command(const struct wf_start *s)
{
	static const char *const shell[] = { "bash", "-l", "/proc/self/fd/4" };
	size_t n = 0, k = s->setup && *s->setup ? WF_COUNT(shell) : 0;
	const char **argv;

	while (s->argv[n])
		n++;
	argv = wf_xmalloc((n + k + 1) * sizeof(*argv));
	memcpy(argv, shell, k * sizeof(*argv));
	memcpy(argv + k, s->argv, (n + 1) * sizeof(*argv));
	return argv;
}

static void started(struct attempt *a, pid_t pid, uint64_t ticks_from, struct plumbing *p)
{
	struct agent *g = a->agent;
	struct record r = { .type = RECORD_RUNNING, .ref = a->ref };

	a->pid = r.pid = (uint32_t)pid;
	a->ticks_from = r.ticks_from = ticks_from;
	a->ticks_to = r.ticks_to = boot_ticks();
	r.started_ms = a->started_ms;
	a->state = ATTEMPT_RUNNING;
	g->running++;
	wf_idmap_set(&g->by_pid, a->pid, a);
	a->running.type = RECORD_RUNNING;
	a->running.attempt = a;
	a->running.cursor = journal_add(&g->journal, &r);
	facts_add(g, &a->running);
	if (p->control[0] >= 0) {
		a->control = control_open(a, p->control[0]);
		p->control[0] = -1;
	}
	a->setup_fd = p->marker[0];
	p->marker[0] = -1;
	watch_attempt(a);
}

static void execute(struct attempt *a, const struct wf_start *s)
{
	struct agent *g = a->agent;
	const char *extra[WF_ATTEMPT_OWN + 2] = { NULL };
	struct wf_arena arena = { 0 };
	const char **env = NULL, **argv = NULL;
	struct plumbing p = { { -1, -1 }, { -1, -1 }, -1 };
	struct streams st = { -1, -1, -1 };
	struct wf_err err = { 0 };
	struct wf_spawn sp = { 0 };
	int fds[FDS];
	size_t n;
	uint64_t ticks;
	pid_t pid;

	n = wf_attempt_own_env(s, &arena, extra);
	if (s->control)
		extra[n] = "WF_CONTROL_FD=3";
	env = wf_attempt_env(s->env, s->env_more, extra);
	argv = command(s);
	if (wf_attempt_limits(&g->limits, s->limits, &err) < 0 || open_streams(a, s, &st, &err) < 0 || lay_plumbing(&p, s, env, &err) < 0) {
		end_as(a, WF_CLASS_LAUNCH_FAILED, 0, err.text);
		goto out;
	}
	fds[0] = g->null_fd;
	fds[1] = st.out;
	fds[2] = st.err;
	fds[CONTROL_FD] = p.control[1];
	fds[SCRIPT_FD] = p.script;
	fds[MARKER_FD] = p.marker[1];
	sp.path = argv[0];
	sp.argv = (char *const *)(uintptr_t)argv;
	sp.env = (char *const *)(uintptr_t)env;
	sp.cwd = s->cwd ? s->cwd : "/";
	sp.fds = fds;
	sp.fd_count = p.script >= 0 ? FDS : p.control[1] >= 0 ? CONTROL_FD + 1 : CONTROL_FD;
	sp.new_session = 1;
	sp.die_with_parent = 1;
	sp.umask_set = s->umask_bits & 0777;
	sp.limits = g->limits.set;
	sp.limit_count = g->limits.set_count;

	a->started_ms = wf_os_wall_ms(g->os);
	if (!a->first_started_ms)
		a->first_started_ms = a->started_ms;
	ticks = boot_ticks();
	pid = spawn(g, &sp, s->umask_bits, &err);
	if (pid < 0)
		end_unspawned(a, errno, &err);
	else
		started(a, pid, ticks, &p);
out:
	close_streams(&st);
	close_plumbing(&p);
	free(env);
	free(argv);
	wf_arena_release(&arena);
}

static void launch(struct attempt *a, const struct wf_start *s)
{
	struct agent *g = a->agent;
	const char *missing = wf_fresh_missing(g->os, s->inputs);
	struct wf_err err = { 0 };

	a->placed = a->ref.key.kind == WF_KIND_STEP;
	g->placed += a->placed;
	if (missing) {
		wf_errf(&err, WF_NOT_FOUND, "its input '%s' does not exist", missing);
		end_as(a, WF_CLASS_INPUT_MISSING, 0, err.text);
		return;
	}
	if (!s->argv[0] || !*s->argv[0]) {
		end_as(a, WF_CLASS_LAUNCH_FAILED, 0, "it has no command");
		return;
	}
	if ((s->cwd && have_dir(g, &g->known_cwd, s->cwd, s->umask_bits, &err) < 0) || clear_result(g, s, &err) < 0) {
		end_as(a, WF_CLASS_LAUNCH_FAILED, 0, err.text);
		return;
	}
	/* `update` does not ask when it was written, but where it lies still matters. */
	a->outputs = wf_fresh_before(g->os, s->outputs, &a->output_count);
	execute(a, s);
}

/* ---- the queue ------------------------------------------------------------------------------------------ */

static void enqueue(struct attempt *a, const struct wf_start *s)
{
	struct agent *g = a->agent;

	a->places = s->places;
	wf_wire_start(&a->start, s, 1);
	*g->queue_end = a;
	g->queued++;
	g->queue_end = &a->next_queued;
}

static void dequeue(struct agent *g, struct attempt **at)
{
	struct attempt *a = *at;

	g->queued--;
	*at = a->next_queued;
	if (!*at)
		g->queue_end = at;
	a->next_queued = NULL;
}

void leave_queue(struct attempt *a)
{
	struct attempt **at = &a->agent->queue;

	while (*at && *at != a)
		at = &(*at)->next_queued;
	if (*at)
		dequeue(a->agent, at);
	wf_buf_release(&a->start);
}

void launch_queued(struct agent *g)
{
	while (g->queue && g->placed < g->queue->places) {
		struct attempt *a = g->queue;
		struct wf_frame f;
		struct wf_err err = { 0 };

		dequeue(g, &g->queue);
		if (wf_wire_decode(&f, a->start.data, a->start.len, &err) < 0)
			WF_BUG("a start that was kept: %s", err.text);
		launch(a, &f.start[0]);
		wf_frame_release(&f);
		wf_buf_release(&a->start);
	}
}

/* ---- a frame ------------------------------------------------------------------------------------------- */

static void reject(struct agent *g, const struct wf_rejected *r, uint32_t n)
{
	struct wf_buf b = { 0 };

	if (!n)
		return;
	wf_wire_rejected(&b, r, n);
	wf_serve_send(g->serve, &b);
	wf_buf_release(&b);
}

void launch_frame(struct agent *g, const struct wf_start *s, uint32_t n)
{
	struct attempt **taken = wf_xcalloc(n, sizeof(struct attempt *));
	struct wf_attempt_ref *refs = wf_xcalloc(n, sizeof(*refs));
	struct wf_buf b = { 0 };
	struct wf_err err = { 0 };
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		const char *why = refusal(g, &s[i], &err);

		if (why) {
			reject(g, &(struct wf_rejected){ .number = s[i].number, .reason = why }, 1);
			continue;
		}
		taken[i] = take(g, &s[i]);
		refs[count++] = taken[i]->ref;
	}
	(void)WF_FAULT("agent.start.before");
	if (count && journal_flush(&g->journal, &err) < 0) {
		/* What is not written may not be started; it ends here and now. */
		for (uint32_t i = 0; i < n; i++)
			if (taken[i])
				end_as(taken[i], WF_CLASS_LAUNCH_FAILED, 0, err.text);
		count = 0;
	}
	if (count) {
		wf_wire_refs(&b, WF_WIRE_ACCEPTED, refs, count, 0);
		wf_serve_send(g->serve, &b);
		for (uint32_t i = 0; i < n; i++) {
			if (taken[i] && s[i].places && (g->queue || g->placed >= s[i].places))
				enqueue(taken[i], &s[i]);
			else if (taken[i])
				launch(taken[i], &s[i]);
			if (i % REAP_EVERY == REAP_EVERY - 1)
				reap(g);
		}
	}
	(void)WF_FAULT("agent.start.after");
	wf_buf_release(&b);
	free(taken);
	free(refs);
	facts_flush(g);
}
