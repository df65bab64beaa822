/* sweep.c - owns the proof that nothing of an earlier agent's attempts lives: by the session they were started in, and by the token in
 * their environment. Knows nothing of the link.
 *
 * Leaders died with their agent (parent-death signal); what they had started may live on. A process belongs to an attempt when its
 * environment carries the attempt's token, or when it is in the attempt's session: that session's number was its leader's pid, so where a
 * process of that pid exists, it must have been started when the journal says; and nobody in the session can be older. A process that
 * cleared its environment and left its session is not found: a limit without cgroups that design.md states.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "executors/local/local.h"

static const uint64_t PATIENCE_NS = 5000000000u; /* for processes that do not die at once, before we go on without the proof */
static const long PAUSE_NS = 10000000;

/* ---- whose process is it ------------------------------------------------------------------------------- */

/* The environment of a process: NUL-separated, one NUL more at the end. Nothing when it is not ours to read. */
static void read_environment(uint32_t pid, struct wf_buf *b)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (b->len < (4u << 20) && (n = read(fd, wf_buf_room(b, 16384), 16384)) > 0)
		b->len += (size_t)n;
	close(fd);
	if (b->len)
		b->data[b->len] = '\0';
}

static const char *token_in(const struct wf_buf *b)
{
	static const char name[] = "WF_TOKEN=";

	for (size_t at = 0; at < b->len; at += strlen(b->data + at) + 1)
		if (strncmp(b->data + at, name, sizeof(name) - 1) == 0)
			return b->data + at + sizeof(name) - 1;
	return NULL;
}

static struct attempt *attempt_of_token(struct agent *g, const char *token)
{
	for (struct attempt *a = g->first; a; a = a->next)
		if (a->token && *a->token && strcmp(a->token, token) == 0)
			return a;
	return NULL;
}

uint64_t attempt_of_process(struct agent *g, uint32_t pid)
{
	struct wf_buf b = { 0 };
	const char *token;
	struct attempt *a;

	read_environment(pid, &b);
	token = b.len ? token_in(&b) : NULL;
	a = token ? attempt_of_token(g, token) : NULL;
	wf_buf_release(&b);
	return a ? a->ref.number : 0;
}

static int is_left_over(const struct attempt *a)
{
	return a->state == ATTEMPT_STUCK;
}

static struct attempt *attempt_of_session(struct agent *g, uint32_t pid)
{
	pid_t session = getsid((pid_t)pid);

	for (struct attempt *a = g->first; a && session > 0; a = a->next) {
		uint64_t leader;

		if (!is_left_over(a) || a->pid != (uint32_t)session)
			continue;
		leader = wf_pid_start_time(session);
		if (leader && (leader < a->ticks_from || leader > a->ticks_to))
			continue; /* the number was used again */
		if (wf_pid_start_time((pid_t)pid) >= a->ticks_from)
			return a;
	}
	return NULL;
}

static struct attempt *owner_of(struct agent *g, uint32_t pid)
{
	struct attempt *a = attempt_of_session(g, pid);
	uint64_t number = a ? 0 : attempt_of_process(g, pid);

	if (number)
		a = attempt_find(g, number);
	return a && is_left_over(a) ? a : NULL;
}

/* ---- ending them --------------------------------------------------------------------------------------- */

struct pass {
	struct agent *agent;
	unsigned found;
};

static int is_zombie(uint32_t pid)
{
	char path[64], text[512], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strrchr(text, ')');
	return !p || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X';
}

static int on_process(const char *name, void *arg)
{
	struct pass *p = arg;
	struct attempt *a;
	struct stat st;
	char path[64];
	unsigned long pid;

	if (!isdigit((unsigned char)*name))
		return 0;
	pid = strtoul(name, NULL, 10);
	snprintf(path, sizeof(path), "/proc/%lu", pid);
	if (pid == (unsigned long)getpid() || stat(path, &st) < 0 || st.st_uid != getuid())
		return 0;
	a = owner_of(p->agent, (uint32_t)pid);
	if (!a || is_zombie((uint32_t)pid))
		return 0;
	if (kill((pid_t)pid, SIGKILL) < 0 && errno == ESRCH)
		return 0;
	p->found++;
	a->killed = 1;
	return 0;
}

/* Kills everything of left-over attempts that is there now; how many there were. `killed` marks whose. */
static unsigned kill_pass(struct agent *g)
{
	struct pass p = { .agent = g };

	for (struct attempt *a = g->first; a; a = a->next)
		if (is_left_over(a))
			a->killed = 0;
	if (g->os->ops->list(g->os->self, "/proc", on_process, &p) < 0)
		wf_log(WF_LOG_ERROR, "cannot list /proc: %s", strerror(errno));
	return p.found;
}

static void lose_all(struct agent *g, enum wf_lost_why why, const char *reason)
{
	for (struct attempt *a = g->first, *next; a; a = next) {
		next = a->next;
		if (!is_left_over(a))
			continue;
		if (a->killed) {
			free(a->reason);
			a->reason = wf_xstrdup("its agent died, and a process of it does not");
			continue;
		}
		end_lost(a, why, reason);
	}
}

/* Before we start anything ourselves, whatever the journal calls live was another agent's. */
static void take_over(struct agent *g)
{
	for (struct attempt *a = g->first; a; a = a->next)
		if (a->state != ATTEMPT_ENDED)
			a->state = ATTEMPT_STUCK;
}

static unsigned count_left_over(struct agent *g)
{
	unsigned n = 0;

	for (struct attempt *a = g->first; a; a = a->next)
		n += (unsigned)is_left_over(a);
	return n;
}

void sweep(struct agent *g)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint64_t until = wf_os_mono_ns(g->os) + PATIENCE_NS;
	unsigned n, found;

	take_over(g);
	n = count_left_over(g);
	if (!n)
		return;
	if (strcmp(g->journal.boot_id, wf_host_boot_id()) != 0) {
		lose_all(g, WF_LOST_AGENT, "the host was booted again");
		return;
	}
	if (g->journal.pid_ns != wf_host_pid_namespace()) {
		lose_all(g, WF_LOST_UNKNOWN, "its agent ran in another container, whose processes cannot be seen from here");
		return;
	}
	/* Once more after every pass that found something: a process may have forked before it died. */
	while ((found = kill_pass(g)) > 0 && wf_os_mono_ns(g->os) < until)
		nanosleep(&pause, NULL);
	wf_log(WF_LOG_WARN, "an earlier agent died with %u attempts%s", n, found ? "; some do not die" : "");
	lose_all(g, WF_LOST_AGENT, "its agent died while it ran");
}

void sweep_again(struct agent *g)
{
	if (!count_left_over(g))
		return;
	(void)kill_pass(g);
	lose_all(g, WF_LOST_AGENT, "its agent died while it ran");
}
