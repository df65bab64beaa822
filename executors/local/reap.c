/* reap.c - owns the processes: who ended, what it left behind, and how they are made to end.
 *
 * The agent is the reaper of its descendants: a process that loses its parent becomes our child. So when a leader has ended, whatever is
 * left of its attempt is either our own child now or below one that is, and the kernel's list of our children shows it, whether
 * or not it changed its process group or session. Such a stray belongs to the attempt whose group or session it is in, or whose token is in
 * its environment; it gets TERM, and KILL after the attempt's grace. A pid cannot be reused before we reap it, so no signal goes
 * astray.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "executors/local/local.h"

/* ---- strays -------------------------------------------------------------------------------------------- */

static struct attempt *leaving_with_pid(struct agent *g, pid_t pid)
{
	for (size_t i = 0; i < g->leaving_count; i++)
		if (g->leaving[i]->pid == (uint32_t)pid)
			return g->leaving[i];
	return wf_idmap_get(&g->by_pid, (uint64_t)pid);
}

static void meet_stray(struct agent *g, uint32_t pid)
{
	struct stray *s = wf_xcalloc(1, sizeof(*s));
	pid_t group = getpgid((pid_t)pid), session = getsid((pid_t)pid);
	struct attempt *a = group > 0 ? leaving_with_pid(g, group) : NULL;

	if (!a && session > 0)
		a = leaving_with_pid(g, session);
	s->pid = pid;
	s->number = a ? a->ref.number : attempt_of_process(g, pid);
	wf_idmap_set(&g->strays, pid, s);
}

/* Our children that nobody started: those of them that are new. */
static void find_strays(struct agent *g)
{
	struct wf_buf b = { 0 };
	ssize_t n;

	if (g->children_fd < 0)
		return;
	do {
		n = pread(g->children_fd, wf_buf_room(&b, 4096), 4096, (off_t)b.len);
		if (n > 0)
			b.len += (size_t)n;
	} while (n > 0);
	b.data[b.len] = '\0';
	for (char *p = b.data, *end; *p; p = end) {
		unsigned long pid = strtoul(p, &end, 10);

		if (end == p)
			break;
		if (!wf_idmap_get(&g->by_pid, pid) && !wf_idmap_get(&g->strays, pid))
			meet_stray(g, (uint32_t)pid);
	}
	wf_buf_release(&b);
}

/* Without the kernel's list of children (a build option): is anybody of the group our child? */
static int group_is_left(const struct attempt *a)
{
	siginfo_t si;

	return waitid(P_PGID, (id_t)a->pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Is anything of this attempt left? With a signal: send it to those who did not get it yet. */
static int left_of(struct attempt *a, int sig)
{
	struct agent *g = a->agent;
	int left = 0;

	if (g->children_fd < 0) {
		left = group_is_left(a);
		if (left && sig)
			kill(-(pid_t)a->pid, sig);
		return left;
	}
	for (size_t i = 0; g->strays.count && i < g->strays.cap; i++) {
		struct stray *s = g->strays.slots[i].key ? g->strays.slots[i].value : NULL;

		if (!s || s->number != a->ref.number)
			continue;
		left++;
		if (!sig || s->signaled == sig || s->signaled == SIGKILL)
			continue;
		s->signaled = (uint8_t)sig;
		if (getpgid((pid_t)s->pid) == (pid_t)a->pid)
			kill(-(pid_t)a->pid, sig);
		else
			kill((pid_t)s->pid, sig);
		if (sig != SIGKILL)
			kill((pid_t)s->pid, SIGCONT);
	}
	return left;
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

static void count_usage(struct wf_usage *u, const struct rusage *ru)
{
	u->cpu_us = (uint64_t)ru->ru_utime.tv_sec * 1000000u + (uint64_t)ru->ru_utime.tv_usec +
		    (uint64_t)ru->ru_stime.tv_sec * 1000000u + (uint64_t)ru->ru_stime.tv_usec;
	u->max_rss_kib = (uint64_t)ru->ru_maxrss;
	/* The same counters as read_bytes and write_bytes of /proc/PID/io, in blocks of 512, without opening it. */
	u->read_bytes = (uint64_t)ru->ru_inblock * 512;
	u->write_bytes = (uint64_t)ru->ru_oublock * 512;
}

void usage_of_living(uint32_t pid, struct wf_usage *u)
{
	char path[64], text[1024];
	const char *p;
	unsigned long long v[4];
	long tick = sysconf(_SC_CLK_TCK);
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* utime, stime, cutime, cstime are fields 14 to 17; the name in field 2 may hold anything. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 14; field++)
		p = strchr(p + 1, ' ');
	if (p && sscanf(p, "%llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3]) == 4)
		u->cpu_us = (v[0] + v[1] + v[2] + v[3]) * (1000000u / (unsigned long long)tick);
	snprintf(path, sizeof(path), "/proc/%u/io", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strstr(text, "\nread_bytes:");
	if (p && sscanf(p, "\nread_bytes: %llu\nwrite_bytes: %llu", &v[0], &v[1]) == 2) {
		u->read_bytes = v[0];
		u->write_bytes = v[1];
	}
}

static void on_leader_end(struct attempt *a, int status, const struct rusage *ru)
{
	struct agent *g = a->agent;

	wf_idmap_del(&g->by_pid, a->pid);
	g->running--;
	a->status = status;
	count_usage(&a->usage, ru);
	a->state = ATTEMPT_LEAVING;
	/* A grace that runs already runs on for what is left. */
	if (!a->stopped)
		wf_timer_stop(g->loop, &a->timer);
	g->leaving = wf_grow(g->leaving, &g->leaving_cap, g->leaving_count + 1, sizeof(struct attempt *));
	g->leaving[g->leaving_count++] = a;
}

/* First look: ask what is left to go, with the attempt's grace; if we are killing already, kill. */
static int is_gone(struct attempt *a)
{
	int first = !a->timer.armed && !a->killed;

	if (!left_of(a, a->killed ? SIGKILL : SIGTERM))
		return 1;
	if (first) {
		wf_log(WF_LOG_INFO, "attempt %llu left processes behind, ending them", (unsigned long long)a->ref.number);
		wf_timer_start(a->agent->loop, &a->timer, (uint64_t)a->grace_ms);
	}
	return 0;
}

static void settle_leaving(struct agent *g)
{
	size_t n = 0;

	if (!g->leaving_count)
		return;
	find_strays(g);
	for (size_t i = 0; i < g->leaving_count; i++) {
		struct attempt *a = g->leaving[i];

		if (!is_gone(a)) {
			g->leaving[n++] = a;
			continue;
		}
		wf_timer_stop(g->loop, &a->timer);
		end_attempt(a);
	}
	g->leaving_count = n;
}

void reap(struct agent *g)
{
	struct rusage ru;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &ru)) > 0) {
		struct attempt *a = wf_idmap_get(&g->by_pid, (uint64_t)pid);
		struct stray *s = a ? NULL : wf_idmap_get(&g->strays, (uint64_t)pid);

		(void)WF_FAULT("agent.reaped");
		if (a)
			on_leader_end(a, status, &ru);
		if (s) {
			wf_idmap_del(&g->strays, (uint64_t)pid);
			free(s);
		}
	}
	settle_leaving(g);
}

static const uint64_t LOOK_MIN_MS = 50, LOOK_MAX_MS = 1000;

/* ---- making them end ----------------------------------------------------------------------------------- */

static void signal_group(struct attempt *a, int sig)
{
	/* The leader lives, or is not reaped yet: its number is still its own. */
	if (kill(-(pid_t)a->pid, sig) < 0 && errno != ESRCH)
		wf_log(WF_LOG_WARN, "attempt %llu: cannot signal process group %u: %s", (unsigned long long)a->ref.number, a->pid,
		       strerror(errno));
	/* A stopped process takes TERM only when it goes on. */
	if (sig != SIGKILL)
		kill(-(pid_t)a->pid, SIGCONT);
}

static void kill_now(struct attempt *a)
{
	a->killed = 1;
	if (a->state == ATTEMPT_RUNNING)
		signal_group(a, SIGKILL);
	(void)left_of(a, SIGKILL);
}

static void on_timer(struct wf_timer *t)
{
	struct attempt *a = wf_container_of(t, struct attempt, timer);
	struct agent *g = a->agent;

	if (a->state == ATTEMPT_CHECKING)
		end_attempt(a);
	else if (a->state == ATTEMPT_RUNNING && !a->stopped)
		stop_attempt(a, WF_STOPPED_TIMEOUT, a->grace_ms);
	else if (a->state == ATTEMPT_RUNNING || a->state == ATTEMPT_LEAVING)
		kill_now(a);
	facts_flush(g);
}

void watch_attempt(struct attempt *a)
{
	struct agent *g = a->agent;

	a->timer.fn = on_timer;
	if (a->timeout_ms > 0)
		wf_timer_start(g->loop, &a->timer, (uint64_t)a->timeout_ms);
	/* Its output gets a name soon, also when the watch over others is a slow one. */
	if (!g->watch.armed || g->watch_wait_ms > WF_OUTPUT_NAME_MS) {
		g->watch_wait_ms = WF_OUTPUT_NAME_MS;
		wf_timer_start(g->loop, &g->watch, g->watch_wait_ms);
	}
}

void stop_attempt(struct attempt *a, enum wf_stopped why, int64_t grace_ms)
{
	uint64_t grace = grace_ms > 0 ? (uint64_t)grace_ms : 0;

	switch ((enum attempt_state)a->state) {
	case ATTEMPT_RUNNING:
		/* The first cause stands; a later request may only be more impatient. */
		if (!a->stopped) {
			a->stopped = (uint8_t)why;
			signal_group(a, SIGTERM);
		}
		break;
	case ATTEMPT_LEAVING:
		break;
	case ATTEMPT_CHECKING:
		wf_timer_stop(a->agent->loop, &a->timer);
		a->stopped = (uint8_t)why;
		a->judged = 0;
		end_attempt(a);
		return;
	case ATTEMPT_TAKEN:
		leave_queue(a);
		end_as(a, why == WF_STOPPED_AGENT ? WF_CLASS_AGENT_LOST : WF_CLASS_CANCELED, 0, "ended before it was started");
		return;
	default:
		return;
	}
	if (a->killed)
		return;
	if (grace == 0) {
		wf_timer_stop(a->agent->loop, &a->timer);
		kill_now(a);
	} else {
		wf_timer_start(a->agent->loop, &a->timer, grace);
	}
}

/* ---- names and limits of output ------------------------------------------------------------------------------------- */

/* When this attempt should be looked at again, were it to write on as fast as since the last look. */
static uint64_t next_look(struct attempt *a, uint64_t bytes, uint64_t since_ms)
{
	uint64_t grown = bytes > a->out_bytes ? bytes - a->out_bytes : 0, left = a->output_limit - bytes;

	a->out_bytes = bytes;
	if (!grown)
		return LOOK_MAX_MS;
	if (left / grown >= LOOK_MAX_MS * 2 / since_ms)
		return LOOK_MAX_MS;
	return left * since_ms / grown / 2 < LOOK_MIN_MS ? LOOK_MIN_MS : left * since_ms / grown / 2;
}

static uint64_t bytes_written(const struct attempt *a)
{
	const char *paths[] = { a->stdout_path, a->stderr_path };
	uint64_t bytes = 0;
	struct stat st;

	if (a->out_fd >= 0 && fstat(a->out_fd, &st) == 0)
		bytes += (uint64_t)st.st_size;
	for (size_t i = 0; i < WF_COUNT(paths); i++)
		if (paths[i] && stat(paths[i], &st) == 0 && S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	return bytes;
}

static void on_watch(struct wf_timer *t)
{
	struct agent *g = wf_container_of(t, struct agent, watch);

	watch_outputs(g);
	facts_flush(g);
}

void watch_outputs(struct agent *g)
{
	uint64_t wait_ms = LOOK_MAX_MS, mono_ns = wf_os_mono_ns(g->os), since_ms = (mono_ns - g->watched_ns) / 1000000 + 1;
	int64_t now = wf_os_wall_ms(g->os);
	int any = 0;

	g->watched_ns = mono_ns;

	for (struct attempt *a = g->first, *next; a; a = next) {
		uint64_t bytes;

		next = a->next;
		if (a->state != ATTEMPT_RUNNING)
			continue;
		any = 1;
		if (a->out_fd >= 0 && !a->out_named) {
			if (now >= a->started_ms && now - a->started_ms < WF_OUTPUT_NAME_MS)
				wait_ms = WF_OUTPUT_NAME_MS;
			else
				a->out_named = wf_output_name(&g->logdirs, a->dir, &a->ref.key, WF_OUTPUT_OUT, a->out_fd) == 0;
		}
		if (a->stopped || !a->output_limit)
			continue;
		bytes = bytes_written(a);
		if (bytes > a->output_limit) {
			stop_attempt(a, WF_STOPPED_OUTPUT, a->grace_ms);
		} else {
			uint64_t look = next_look(a, bytes, since_ms);

			wait_ms = look < wait_ms ? look : wait_ms;
		}
	}
	g->watch_wait_ms = wait_ms;
	if (any && !g->watch.armed)
		wf_timer_start(g->loop, &g->watch, wait_ms);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void on_child(void *arg, int readable, int writable)
{
	struct agent *g = arg;
	struct signalfd_siginfo si;

	(void)readable;
	(void)writable;
	/* It says that somebody ended, not who: the signal does not queue. */
	if (read(g->child_fd, &si, sizeof(si)) < 0 && errno != EAGAIN)
		wf_log(WF_LOG_ERROR, "signalfd: %s", strerror(errno));
	reap(g);
	facts_flush(g);
	consider_leaving(g);
}

int reap_open(struct agent *g, struct wf_err *err)
{
	sigset_t child;
	char path[64];

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		wf_log(WF_LOG_WARN, "cannot become the reaper of lost processes: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/task/%ld/children", syscall(SYS_gettid));
	g->children_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (g->children_fd < 0)
		wf_log(WF_LOG_INFO, "this kernel does not list children; only process groups are cleaned up");
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	g->child_fd = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
	if (g->child_fd < 0)
		return wf_err_sys(err, "cannot watch for the ends of processes");
	g->on_child = wf_poll_create(g->loop, g->child_fd, on_child, g);
	wf_poll_set(g->on_child, 1, 0);
	g->watch.fn = on_watch;
	return 0;
}

void reap_close(struct agent *g)
{
	wf_poll_destroy(g->on_child);
	if (g->child_fd >= 0)
		close(g->child_fd);
	wf_timer_stop(g->loop, &g->watch);
	for (size_t i = 0; i < g->strays.cap; i++)
		if (g->strays.slots[i].key)
			free(g->strays.slots[i].value);
	wf_idmap_release(&g->strays);
	wf_idmap_release(&g->by_pid);
	free(g->leaving);
	if (g->children_fd >= 0)
		close(g->children_fd);
}
