/* probe_exec.c - owns the probe `exec`: a program ends with 0, and with `expect` printed that text (`expect: json`: anything that is JSON). It
 * runs in a session of its own; one that does not answer in time is killed with all it started, and counts as no answer. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "services/probe_internal.h"
#include "services/render.h"

enum { OUTPUT_MAX = 65536 };

/* One start of the program. It outlives a round that was cut, until its process is reaped. */
struct execution {
	struct child child;
	struct probe *probe;           /* NULL: nobody waits for the answer any more */
	struct procs *procs;
	struct wf_poll *poll;
	int out;                       /* reading end; -1 when at its end */
	struct wf_buf text;
	int ended, status;
};

static void forget(struct execution *x)
{
	wf_poll_destroy(x->poll);
	if (x->out >= 0)
		close(x->out);
	wf_buf_release(&x->text);
	free(x);
}

static void judge(struct execution *x)
{
	struct probe *p = x->probe;
	json_t *expect = json_object_get(p->json, "expect"), *v;
	const char *want = json_string_value(expect);
	struct wf_err err;

	p->impl = NULL;
	if (!WIFEXITED(x->status) || WEXITSTATUS(x->status) != 0) {
		char *end = x->text.len ? strchr(x->text.data, '\n') : NULL;

		if (end)
			*end = '\0';
		probe_answer(p, 0, "%s %d%s%.200s", WIFEXITED(x->status) ? "exit code" : "signal",
			     WIFEXITED(x->status) ? WEXITSTATUS(x->status) : WTERMSIG(x->status), x->text.len ? ": " : "",
			     wf_buf_cstr(&x->text));
	} else if (want && strcmp(want, "json") == 0) {
		v = wf_json_parse(wf_buf_cstr(&x->text), x->text.len, &err);
		probe_answer(p, !!v, "%s", v ? "JSON" : err.text);
		json_decref(v);
	} else if (expect) {
		probe_expect(p, wf_buf_cstr(&x->text), x->text.len, PROBE_CONTAINED);
	} else {
		probe_answer(p, 1, "exit code 0");
	}
	forget(x);
}

/* Both are awaited: a process may end before its output was read, and close its output before it ends. A child of it that keeps the
 * output open is not waited for. */
static void tick(struct execution *x)
{
	if (!x->ended)
		return;
	if (x->probe)
		judge(x);
	else
		forget(x);
}

static void read_some(struct execution *x)
{
	char chunk[4096];
	ssize_t n;

	while (x->out >= 0 && (n = read(x->out, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		if (x->text.len + (size_t)n <= OUTPUT_MAX)
			wf_buf_add(&x->text, chunk, (size_t)n);
	}
	wf_poll_destroy(x->poll);
	x->poll = NULL;
	close(x->out);
	x->out = -1;
}

static void on_output(void *arg, int readable, int writable)
{
	(void)writable;
	if (readable)
		read_some(arg);
}

static void on_exit_of(struct child *c, int status)
{
	struct execution *x = wf_container_of(c, struct execution, child);

	if (x->out >= 0)
		read_some(x);
	x->ended = 1;
	x->status = status;
	tick(x);
}

/* A program named by a relative path is the driver's own, if the driver has it. */
static char *program_of(const struct probe_ctx *ctx, const char *word)
{
	char *own;

	if (word[0] == '/' || !strchr(word, '/') || !ctx->driver_dir)
		return wf_xstrdup(word);
	own = wf_xasprintf("%s/%s", ctx->driver_dir, word);
	if (access(own, X_OK) == 0)
		return own;
	free(own);
	return wf_xstrdup(word);
}

static int spawn(struct execution *x, const struct probe_ctx *ctx, json_t *words, struct wf_err *err)
{
	size_t n = json_array_size(words), i;
	char **argv = wf_xcalloc(n + 1, sizeof(*argv)), *program;
	int pipes[2] = { -1, -1 }, null = open("/dev/null", O_RDWR | O_CLOEXEC), rc = -1;
	json_t *word;

	json_array_foreach (words, i, word)
		argv[i] = render_word(word);
	program = program_of(ctx, argv[0]);
	if (null < 0 || pipe2(pipes, O_CLOEXEC) < 0) {
		wf_err_sys(err, "cannot start '%s'", argv[0]);
	} else {
		int fds[3] = { null, pipes[1], pipes[1] };
		struct wf_spawn sp = { .path = program, .argv = argv, .env = (char *const *)ctx->env, .cwd = ctx->cwd, .fds = fds,
				       .fd_count = 3 };

		rc = procs_spawn(ctx->procs, &x->child, &sp, err);
	}
	if (null >= 0)
		close(null);
	if (pipes[1] >= 0)
		close(pipes[1]);
	x->out = pipes[0];
	for (i = 0; i < n; i++)
		free(argv[i]);
	free(argv);
	free(program);
	return rc;
}

static void start(struct probe *p)
{
	struct execution *x = wf_xcalloc(1, sizeof(*x));
	struct wf_err err;

	x->probe = p;
	x->procs = p->ctx->procs;
	x->child.on_exit = on_exit_of;
	if (spawn(x, p->ctx, json_object_get(p->json, "exec"), &err) < 0) {
		forget(x);
		probe_answer(p, 0, "%s", err.text);
		return;
	}
	fcntl(x->out, F_SETFL, O_NONBLOCK);
	x->poll = wf_poll_create(p->ctx->loop, x->out, on_output, x);
	wf_poll_set(x->poll, 1, 0);
	p->impl = x;
}

static void stop(struct probe *p)
{
	struct execution *x = p->impl;

	if (!x)
		return;
	p->impl = NULL;
	x->probe = NULL;
	procs_signal(x->procs, &x->child, SIGKILL);
}

const struct probe_kind probe_exec = {
	.name = "exec",
	.start = start,
	.stop = stop,
};
