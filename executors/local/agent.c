/* agent.c - owns the agent as a whole: its directory, its attempts by number, the engine's messages, when to leave. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "executors/attempt/result.h"
#include "executors/local/door.h"
#include "executors/local/local.h"

static const uint64_t HOUSE_MS = 2000;
static const uint64_t FIRST_MS = 10000; /* for the engine that started us to attach */

/* ---- attempts ------------------------------------------------------------------------------------------ */

struct attempt *attempt_create(struct agent *g, const struct wf_attempt_ref *ref)
{
	struct attempt *a = wf_xcalloc(1, sizeof(*a));

	a->agent = g;
	a->ref = *ref;
	a->state = ATTEMPT_TAKEN;
	a->out_fd = a->setup_fd = -1;
	a->prev = g->last;
	if (g->last)
		g->last->next = a;
	else
		g->first = a;
	g->last = a;
	wf_idmap_set(&g->by_number, ref->number, a);
	g->live++;
	wf_timer_stop(g->loop, &g->linger);
	return a;
}

struct attempt *attempt_find(struct agent *g, uint64_t number)
{
	return number ? wf_idmap_get(&g->by_number, number) : NULL;
}

void attempt_destroy(struct attempt *a)
{
	struct agent *g = a->agent;

	wf_timer_stop(g->loop, &a->timer);
	control_close(a->control);
	if (a->setup_fd >= 0)
		close(a->setup_fd);
	if (a->out_fd >= 0)
		close(a->out_fd);
	wf_fresh_release(a->outputs, a->output_count);
	wf_logdir_put(&g->logdirs, a->dir);
	*(a->prev ? &a->prev->next : &g->first) = a->next;
	*(a->next ? &a->next->prev : &g->last) = a->prev;
	wf_idmap_del(&g->by_number, a->ref.number);
	wf_buf_release(&a->start);
	free(a->token);
	free(a->stdout_path);
	free(a->stderr_path);
	free(a->result_path);
	free(a->success_codes);
	free(a->reason);
	free(a->result);
	free(a);
}

/* ---- the engine's messages ----------------------------------------------------------------------------- */

static void on_cancel(struct agent *g, const struct wf_cancel *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct attempt *a = attempt_find(g, c[i].ref.number);

		/* One that ended already says so by itself; one never heard of is the engine's to reattach. */
		if (a)
			stop_attempt(a, c[i].why == WF_CANCEL_TIMEOUT ? WF_STOPPED_TIMEOUT : WF_STOPPED_CANCEL, c[i].grace_ms);
	}
}

static void refuse_call(struct agent *g, const struct wf_call *c)
{
	struct wf_result r = { .op_id = c->op_id, .ref = c->ref, .outcome = "rejected",
			       .body = "{\"reason\":\"this agent does not know that attempt\"}" };
	struct wf_buf b = { 0 };

	wf_wire_result(&b, &r, 1);
	wf_serve_send(g->serve, &b);
	wf_buf_release(&b);
}

static void on_call(struct agent *g, const struct wf_call *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct attempt *a = attempt_find(g, c[i].ref.number);

		if (a)
			control_call(a, &c[i]);
		else
			refuse_call(g, &c[i]);
	}
}

static void on_frame(void *agent, const struct wf_frame *f)
{
	struct agent *g = agent;

	switch (f->type) {
	case WF_WIRE_START:
		if (f->count)
			launch_frame(g, f->start, f->count);
		break;
	case WF_WIRE_CANCEL:
		on_cancel(g, f->cancel, f->count);
		break;
	case WF_WIRE_OBSERVE:
		facts_observe(g, f->ref, f->count);
		break;
	case WF_WIRE_REATTACH:
		facts_reattach(g, f->ref, f->count, f->last);
		break;
	case WF_WIRE_CALL:
		on_call(g, f->call, f->count);
		break;
	case WF_WIRE_ACK:
		facts_ack(g, f->cursor);
		return;
	default:
		break;
	}
	facts_flush(g);
}

static void on_hello(void *agent, struct wf_hello *h)
{
	struct agent *g = agent;

	h->role = "local";
	h->epoch = g->journal.epoch;
	h->instance = g->journal.instance;
	h->host = wf_host_name();
	h->boot_id = wf_host_boot_id();
	h->pid_ns = wf_host_pid_namespace();
	h->pid = (uint32_t)getpid();
	h->cores = g->capacity.cores;
	h->memory = g->capacity.memory;
	h->mark = g->journal.mark;
	h->cursor = g->journal.acked + 1;
	h->capabilities = WF_CAP_MEMBERS;
}

static void on_attached(void *agent, uint64_t epoch)
{
	struct agent *g = agent;
	struct record r = { .type = RECORD_EPOCH, .value = epoch };

	g->met = 1;
	wf_timer_stop(g->loop, &g->linger);
	facts_rewind(g);
	if (epoch > g->journal.epoch)
		journal_add(&g->journal, &r);
	facts_flush(g);
}

static void on_detached(void *agent)
{
	struct agent *g = agent;

	facts_rewind(g);
	consider_leaving(g);
}

static const struct wf_serve_ops serve_ops = {
	.hello = on_hello,
	.attached = on_attached,
	.frame = on_frame,
	.detached = on_detached,
};

/* ---- leaving ------------------------------------------------------------------------------------------- */

/* What does not die, and was not ours, is no reason to stay when told to end. */
static int has_own_attempts(const struct agent *g)
{
	for (const struct attempt *a = g->first; a; a = a->next)
		if (a->state != ATTEMPT_ENDED && a->state != ATTEMPT_STUCK)
			return 1;
	return 0;
}

void consider_leaving(struct agent *g)
{
	if (g->ending) {
		if (!has_own_attempts(g))
			wf_loop_stop(g->loop);
		return;
	}
	if (wf_serve_attached(g->serve) || g->live)
		wf_timer_stop(g->loop, &g->linger);
	else if (!g->linger.armed)
		wf_timer_start(g->loop, &g->linger, !g->met && g->linger_ms < FIRST_MS ? FIRST_MS : g->linger_ms);
}

static void on_linger(struct wf_timer *t)
{
	struct agent *g = wf_container_of(t, struct agent, linger);

	wf_log(WF_LOG_INFO, "no task and no engine for a while, leaving");
	g->ending = 1;
	wf_loop_stop(g->loop);
}

/* End what runs, then leave. Told again: at once. */
static void end_all(struct agent *g, const char *why)
{
	wf_log(WF_LOG_WARN, "%s: ending %zu attempts and leaving", why, g->live);
	for (struct attempt *a = g->first, *next; a; a = next) {
		next = a->next;
		stop_attempt(a, WF_STOPPED_AGENT, g->ending ? 0 : a->grace_ms);
	}
	g->ending = 1;
	facts_flush(g);
	consider_leaving(g);
}

static void on_term(void *arg, int signum)
{
	end_all(arg, strsignal(signum));
}

static int dir_is_ours(const struct agent *g)
{
	struct stat st;

	return stat(g->dir, &st) == 0 && (uint64_t)st.st_ino == g->dir_inode;
}

/* What no event announces: a journal that can be written again, a connection that drained, processes that died at last, our directory gone. */
static void on_house(struct wf_timer *t)
{
	struct agent *g = wf_container_of(t, struct agent, house);

	if (!g->ending && !dir_is_ours(g))
		end_all(g, "the agent's directory is gone");
	sweep_again(g);
	reap(g);
	facts_flush(g);
	consider_leaving(g);
	wf_timer_start(g->loop, t, HOUSE_MS);
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static int take_lock(struct agent *g, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/lock", g->dir);
	struct stat st;
	int rc = -1;

	g->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (g->lock_fd < 0)
		wf_err_sys(err, "cannot open '%s'", path);
	else if (flock(g->lock_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		wf_errf(err, WF_CONFLICT, "another agent serves '%s'", g->dir);
	else if (stat(g->dir, &st) < 0)
		wf_err_sys(err, "cannot stat '%s'", g->dir);
	else
		rc = 0;
	if (rc == 0)
		g->dir_inode = (uint64_t)st.st_ino;
	free(path);
	return rc;
}

/* One record of the journal, as it was written: rebuilds attempts and facts in the order of their lives. */
static void on_record(const struct record *r, void *arg)
{
	struct agent *g = arg;
	struct attempt *a = attempt_find(g, r->ref.number);
	struct fact *f;

	switch (r->type) {
	case RECORD_START:
		if (a)
			return;
		a = attempt_create(g, &r->ref);
		a->token = wf_xstrdup(r->token);
		a->dir = *r->log_dir ? wf_logdir_get(&g->logdirs, r->log_dir) : NULL;
		a->result_path = *r->result_path ? wf_xstrdup(r->result_path) : NULL;
		return;
	case RECORD_ACK:
		facts_known(g, r->value);
		return;
	case RECORD_HEADER:
	case RECORD_MARK:
	case RECORD_EPOCH:
		return;
	default:
		break;
	}
	if (!a)
		return;
	switch (r->type) {
	case RECORD_RUNNING:
		a->pid = r->pid;
		a->ticks_from = r->ticks_from;
		a->ticks_to = r->ticks_to;
		a->started_ms = r->started_ms;
		f = &a->running;
		break;
	case RECORD_ENDED:
		a->end = r->ended;
		a->reason = r->ended.reason ? wf_xstrdup(r->ended.reason) : NULL;
		a->result = r->ended.result ? wf_xstrdup(r->ended.result) : NULL;
		a->result_in_file = r->result_in_file;
		a->end.reason = a->reason;
		a->end.result = a->result;
		a->out_named = 1; /* it may be */
		f = &a->ended;
		break;
	case RECORD_LOST:
		a->lost = 1;
		a->lost_why = r->why;
		a->reason = *r->text ? wf_xstrdup(r->text) : NULL;
		f = &a->ended;
		break;
	default:
		f = wf_xcalloc(1, sizeof(*f));
		f->text = wf_xstrdup(r->text);
		break;
	}
	if (f == &a->ended) {
		a->state = ATTEMPT_ENDED;
		g->live--;
	}
	f->type = r->type;
	f->attempt = a;
	f->cursor = r->cursor;
	/* A new journal keeps the process of a living attempt whose fact is acknowledged. */
	if (f == &a->running && r->cursor <= g->journal.acked)
		return;
	facts_add(g, f);
}

/* A result for which the journal had no room is where its attempt left it. */
static void reread_results(struct agent *g)
{
	for (struct attempt *a = g->first; a; a = a->next) {
		struct wf_buf b = { 0 };
		struct wf_err err;

		if (!a->result_in_file || !a->result_path || wf_attempt_result(g->os, a->result_path, &b, &err) != 0)
			continue;
		free(a->result);
		a->result = wf_buf_take(&b);
		a->end.result = a->result;
	}
}

static int open_journal(struct agent *g, struct wf_err *err)
{
	int foreign;

	if (journal_open(&g->journal, g->os, g->dir, on_record, g, err) < 0)
		return -1;
	foreign = strcmp(g->journal.boot_id, wf_host_boot_id()) != 0 || g->journal.pid_ns != wf_host_pid_namespace();
	reread_results(g);
	sweep(g);
	if (journal_flush(&g->journal, err) < 0)
		return -1;
	g->compact_at = COMPACT_MIN;
	/* Our attempts must not be taken for those of another boot by the agent after us: its name has to go. */
	return foreign ? facts_compact(g, err) : 0;
}

static int listen_on(struct agent *g, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/s", g->dir);
	int rc;

	g->serve = wf_serve_create(g->loop, &serve_ops, g, g->journal.epoch);
	rc = wf_serve_listen(g->serve, path, err);
	free(path);
	return rc;
}

void agent_close(struct agent *g)
{
	struct wf_err err;

	if (!g)
		return;
	if (g->serve) {
		char *path = wf_xasprintf("%s/s", g->dir);

		(void)WF_FAULT("agent.leave.before");
		/* By this name another may serve now, in a directory made anew. */
		if (dir_is_ours(g))
			(void)unlink(path);
		free(path);
	}
	(void)journal_flush(&g->journal, &err);
	facts_release(g);
	while (g->first)
		attempt_destroy(g->first);
	wf_serve_destroy(g->serve);
	reap_close(g);
	wf_signal_destroy(g->on_term);
	wf_signal_destroy(g->on_int);
	wf_timer_stop(g->loop, &g->house);
	wf_timer_stop(g->loop, &g->linger);
	wf_timer_stop(g->loop, &g->news);
	wf_logdir_flush(&g->logdirs);
	wf_idmap_release(&g->by_number);
	if (g->journal.os)
		journal_close(&g->journal);
	if (g->null_fd >= 0)
		close(g->null_fd);
	if (g->lock_fd >= 0)
		close(g->lock_fd);
	free(g->known_cwd);
	wf_attempt_limits_release(&g->limits);
	free(g->known_result_dir);
	free(g->dir);
	free(g);
}

struct agent *agent_open(struct wf_os *os, struct wf_loop *l, const char *dir, uint64_t linger_ms, struct wf_err *err)
{
	struct agent *g = wf_xcalloc(1, sizeof(*g));

	g->os = os;
	g->loop = l;
	g->dir = wf_xstrdup(dir);
	g->lock_fd = g->null_fd = g->children_fd = g->child_fd = -1;
	g->facts_end = &g->facts;
	g->queue_end = &g->queue;
	g->linger_ms = linger_ms;
	g->logdirs.os = os;
	g->linger.fn = on_linger;
	g->house.fn = on_house;
	if (wf_dir_make(os, dir, 0700, err) < 0 || take_lock(g, err) < 0)
		goto error;
	g->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (g->null_fd < 0) {
		wf_err_sys(err, "cannot open '/dev/null'");
		goto error;
	}
	wf_attempt_limits_init(&g->limits);
	capacity_read(&g->capacity, "");
	oom_watch_init(&g->oom);
	if (open_journal(g, err) < 0 || reap_open(g, err) < 0)
		goto error;
	g->on_term = wf_signal_create(l, SIGTERM, on_term, g);
	g->on_int = wf_signal_create(l, SIGINT, on_term, g);
	if (listen_on(g, err) < 0)
		goto error;
	wf_timer_start(l, &g->house, HOUSE_MS);
	consider_leaving(g);
	wf_log(WF_LOG_INFO, "serving '%s': %u cores, %llu MiB, mark %llu", dir, g->capacity.cores,
	       (unsigned long long)(g->capacity.memory >> 20), (unsigned long long)g->journal.mark);
	return g;

error:
	agent_close(g);
	return NULL;
}
