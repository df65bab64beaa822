/* process.c - owns reaping and the tree of processes below us; knows nothing of members, probes or stop lists.
 *
 * The tree is read from /proc: parent pids, from our own downwards. It is a picture, not a lock: a process may fork while we look. What
 * makes it safe is repetition: the parent that we killed hands its new child to us, its end wakes us, and we look again.
 */
#include "services/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "engine/base/log.h"

struct procs {
	struct wf_loop *loop;
	struct wf_os *os;
	struct wf_signal_watch *sigchld;
	struct child *children;
	void (*on_change)(void *arg);
	void *arg;
};

/* ---- reaping ----------------------------------------------------------------------------------------- */

static struct child *take(struct procs *p, pid_t pid)
{
	for (struct child **at = &p->children; *at; at = &(*at)->next) {
		struct child *c = *at;

		if (c->pid == pid) {
			*at = c->next;
			c->pid = 0;
			return c;
		}
	}
	return NULL;
}

static void on_sigchld(void *arg, int signum)
{
	struct procs *p = arg;
	int status, ended = 0;
	pid_t pid;

	(void)signum;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = take(p, pid);

		ended = 1;
		if (c)
			c->on_exit(c, status);
	}
	if (ended)
		p->on_change(p->arg);
}

int procs_none(const struct procs *p)
{
	siginfo_t si;

	/* The children are asked for first: one that has ended but was not reaped yet is still there for its owner. */
	return !p->children && waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

int procs_is_alive(const struct child *c)
{
	siginfo_t si = { 0 };

	return c->pid > 0 && waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid == 0;
}

/* ---- the tree ---------------------------------------------------------------------------------------- */

struct tree {
	struct wf_idmap parents;       /* pid to parent pid */
	pid_t *pids;
	size_t count, cap;
};

/* Parent of a process (field 4 of its stat); 0 when it is gone, or a zombie that only waits for its parent. */
static pid_t parent_of(const char *pid)
{
	char path[64], text[512], *close_paren;
	int fd, parent;
	ssize_t n;
	char state;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name in parentheses may hold anything, parentheses too. */
	close_paren = strrchr(text, ')');
	if (!close_paren || sscanf(close_paren + 1, " %c %d", &state, &parent) != 2 || state == 'Z' || state == 'X')
		return 0;
	return parent;
}

static void tree_read(struct tree *t)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		pid_t pid, parent;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		parent = parent_of(e->d_name);
		if (parent <= 0)
			continue;
		pid = (pid_t)strtol(e->d_name, NULL, 10);
		t->pids = wf_grow(t->pids, &t->cap, t->count + 1, sizeof(*t->pids));
		t->pids[t->count++] = pid;
		wf_idmap_set(&t->parents, (uint64_t)pid, (void *)(intptr_t)parent);
	}
	if (d)
		closedir(d);
}

static int is_child(const struct procs *p, pid_t pid)
{
	for (const struct child *c = p->children; c; c = c->next)
		if (c->pid == pid)
			return 1;
	return 0;
}

/* What lies between a process and us. A picture taken while processes come and go may hold a circle of reused numbers: the climb is
 * bounded. */
enum descent { NOT_BELOW, BELOW_CHILD, BELOW };

static enum descent descent_of(const struct procs *p, const struct tree *t, pid_t pid, pid_t self)
{
	for (int steps = 0; pid > 1 && steps < 1000; steps++) {
		pid = (pid_t)(intptr_t)wf_idmap_get(&t->parents, (uint64_t)pid);
		if (pid == self)
			return BELOW;
		if (is_child(p, pid)) /* a child is below us */
			return BELOW_CHILD;
	}
	return NOT_BELOW;
}

/* Calls fn for every live process below us that is none of our children; those below a child only with `all`. */
static size_t each_stray(const struct procs *p, int all, void (*fn)(pid_t pid, void *arg), void *arg)
{
	struct tree t = { 0 };
	pid_t self = getpid();
	size_t n = 0;

	tree_read(&t);
	for (size_t i = 0; i < t.count; i++) {
		enum descent descent = descent_of(p, &t, t.pids[i], self);

		if (is_child(p, t.pids[i]) || descent == NOT_BELOW || (descent == BELOW_CHILD && !all))
			continue;
		n++;
		if (fn)
			fn(t.pids[i], arg);
	}
	free(t.pids);
	wf_idmap_release(&t.parents);
	return n;
}

size_t procs_strays(const struct procs *p)
{
	return each_stray(p, 0, NULL, NULL);
}

int procs_none_left(const struct procs *p)
{
	siginfo_t si;

	(void)p;
	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

struct signaling {
	struct procs *procs;
	int sig;
};

static void signal_one(pid_t pid, void *arg)
{
	struct signaling *s = arg;

	s->procs->os->ops->kill(s->procs->os->self, pid, s->sig);
}

void procs_signal_strays(struct procs *p, int sig)
{
	struct signaling s = { p, sig };

	each_stray(p, 0, signal_one, &s);
}

void procs_signal(struct procs *p, const struct child *c, int sig)
{
	if (c->pid > 0)
		p->os->ops->kill(p->os->self, -c->pid, sig);
}

void procs_kill_all(struct procs *p)
{
	struct signaling s = { p, SIGKILL };

	for (struct child *c = p->children; c; c = c->next)
		p->os->ops->kill(p->os->self, -c->pid, SIGKILL);
	each_stray(p, 1, signal_one, &s);
}

static void list_one(pid_t pid, void *arg)
{
	struct wf_buf *out = arg;

	if (out->len < 64)
		wf_buf_printf(out, "%s%d", out->len ? " " : "", (int)pid);
}

void procs_list(const struct procs *p, struct wf_buf *out)
{
	for (const struct child *c = p->children; c; c = c->next)
		list_one(c->pid, out);
	each_stray(p, 1, list_one, out);
}

/* ---- starting, life ---------------------------------------------------------------------------------- */

int procs_spawn(struct procs *p, struct child *c, struct wf_spawn *sp, struct wf_err *err)
{
	pid_t pid;

	sp->new_session = 1;
	sp->die_with_parent = 1;
	sp->umask_set = (mode_t)-1;
	pid = wf_os_spawn(p->os, sp, err);
	if (pid < 0)
		return -1;
	c->pid = pid;
	c->next = p->children;
	p->children = c;
	return 0;
}

struct procs *procs_create(struct wf_loop *l, struct wf_os *os, void (*on_change)(void *arg), void *arg)
{
	struct procs *p = wf_xcalloc(1, sizeof(*p));

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		wf_log(WF_LOG_WARN, "cannot become the reaper of what members leave behind (%s), ignoring", strerror(errno));
	p->loop = l;
	p->os = os;
	p->on_change = on_change;
	p->arg = arg;
	p->sigchld = wf_signal_create(l, SIGCHLD, on_sigchld, p);
	return p;
}

void procs_destroy(struct procs *p)
{
	if (!p)
		return;
	wf_signal_destroy(p->sigchld);
	free(p);
}
