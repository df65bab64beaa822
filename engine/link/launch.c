/* launch.c - owns finding and starting the local agent; what is said to it is core's. */
#include "engine/link/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRY_MS = 2, DEADLINE_S = 10 };

extern char **environ;

static void finish(struct wf_launch *l, struct wf_channel *c, const struct wf_err *err)
{
	l->done(l, c, err);
}

static int try_connect(struct wf_launch *l, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/s", l->dir);
	int fd = wf_unix_connect(path, err);

	free(path);
	return fd;
}

/* Last line of the agent's log: why it would not start. */
static void last_line(struct wf_launch *l, char *out, size_t size)
{
	char *path = wf_xasprintf("%s/log", l->dir);
	struct wf_buf b = { 0 };
	char *line;

	out[0] = '\0';
	if (wf_file_read(l->os, path, 16 << 20, &b, NULL) == 0 && b.len) {
		if (b.data[b.len - 1] == '\n')
			b.data[--b.len] = '\0';
		line = strrchr(b.data, '\n');
		snprintf(out, size, "%s", line ? line + 1 : b.data);
	}
	wf_buf_release(&b);
	free(path);
}

/* 1 when the agent we started is gone; then *status tells how. */
static int reap(struct wf_launch *l, int *status)
{
	if (!l->pid || waitpid(l->pid, status, WNOHANG) != l->pid)
		return 0;
	l->pid = 0;
	return 1;
}

/* Another agent has the directory: it will listen, or it is on its way out. */
static int met_another(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == wf_code_exit(WF_CONFLICT);
}

static int start(struct wf_launch *l, struct wf_err *err)
{
	char *program = wf_xasprintf("%s/wf-agent-local", wf_path_bin()), *log = wf_xasprintf("%s/log", l->dir);
	char *argv[] = { program, (char *)(uintptr_t)"--dir", l->dir, NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int fds[3] = { null, out, out };
	struct wf_spawn sp = { .path = program, .argv = argv, .env = environ, .cwd = "/", .fds = fds, .fd_count = 3,
			       .new_session = 1, .nice = l->nice, .umask_set = 077, .limits = l->limits, .limit_count = l->limit_count };
	int rc = -1;

	if (null < 0 || out < 0) {
		wf_err_sys(err, "cannot open '%s'", log);
	} else {
		l->pid = wf_os_spawn(l->os, &sp, err);
		rc = l->pid < 0 ? -1 : 0;
		if (rc < 0)
			l->pid = 0;
	}
	if (null >= 0)
		close(null);
	if (out >= 0)
		close(out);
	free(program);
	free(log);
	return rc;
}

static void on_try(struct wf_timer *t)
{
	struct wf_launch *l = wf_container_of(t, struct wf_launch, timer);
	struct wf_err err;
	int status = 0, fd = try_connect(l, &err), gone = reap(l, &status);
	char why[1024];

	if (fd >= 0) {
		finish(l, wf_channel_fd(l->loop, fd), NULL);
		return;
	}
	if (gone || wf_os_mono_ns(l->os) > l->deadline_ns) {
		last_line(l, why, sizeof(why));
		wf_errf(&err, gone && met_another(status) ? WF_CONFLICT : WF_RESOURCE, "wf-agent-local %s (its log is '%s/log')%s%s",
			gone ? "ended at once" : "does not listen", l->dir, *why ? ": " : "", why);
		finish(l, NULL, &err);
		return;
	}
	wf_timer_start(l->loop, &l->timer, TRY_MS);
}

static void on_first(struct wf_timer *t)
{
	struct wf_launch *l = wf_container_of(t, struct wf_launch, timer);
	struct wf_err err;
	int status, fd = try_connect(l, &err);

	if (fd >= 0) {
		finish(l, wf_channel_fd(l->loop, fd), NULL);
		return;
	}
	reap(l, &status);
	if (start(l, &err) < 0) {
		finish(l, NULL, &err);
		return;
	}
	l->deadline_ns = wf_os_mono_ns(l->os) + (uint64_t)DEADLINE_S * 1000000000u;
	t->fn = on_try;
	wf_timer_start(l->loop, t, TRY_MS);
}

static void on_no_dir(struct wf_timer *t)
{
	struct wf_launch *l = wf_container_of(t, struct wf_launch, timer);
	struct wf_err err;

	if (wf_dir_make(l->os, l->dir, 0700, &err) < 0)
		finish(l, NULL, &err);
	else
		on_first(t);
}

void wf_launch_local(struct wf_launch *l)
{
	if (!l->dir)
		l->dir = wf_xasprintf("%s/agents/%s/local", l->state_dir, wf_host_name());
	l->timer.fn = on_no_dir;
	wf_timer_start(l->loop, &l->timer, 0);
}

void wf_launch_release(struct wf_launch *l)
{
	int status;

	if (!l->loop)
		return; /* nobody was ever looked for */
	wf_timer_stop(l->loop, &l->timer);
	reap(l, &status);
	free(l->dir);
	l->dir = NULL;
}
