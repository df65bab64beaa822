/* agents.c - owns the connection to each executor's agent: connect with back-off, hello, reattach, ready; and what it can take.
 *
 *   absent --connect--> connecting --channel--> hello --its hello--> reattaching --every answer--> ready
 *      ^                                                                                            |
 *      +------------------------------ closed, from anywhere; again after a back-off --------------+
 *
 * Starts are sent only when ready: before its first start every attempt believed alive was resolved (design.md 5b).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/core/engine.h"

enum {
	BACKOFF_MS = 50,
	BACKOFF_MAX_MS = 5000,
	TRIES = 3,                       /* then whoever waits for it hears so */
};

struct agent *agents_of(struct engine *e, const char *executor)
{
	(void)executor;
	return &e->local;
}

void agent_send(struct agent *a, const struct wf_buf *b)
{
	if (a->channel && b->len)
		wf_channel_send(a->channel, b->data, b->len);
}

/* To start an agent, to say hello and to ask it are effects, too. */
static int is_owner(struct engine *e)
{
	struct wf_err err;

	if (!e->opt.take_owner || owner_check(e, &err) == 0)
		return 1;
	core_leave(e, &err);
	return 0;
}

static void ask(struct agent *a)
{
	struct engine *e = a->engine;

	if (!is_owner(e))
		return;
	a->state = AGENT_CONNECTING;
	e->opt.connect(e, a->executor, e->opt.connect_arg);
}

static void on_retry(struct wf_timer *t)
{
	ask(wf_container_of(t, struct agent, retry));
}

static void again(struct agent *a)
{
	uint64_t ms = a->engine->opt.limits.backoff_ms ?: BACKOFF_MS;

	a->state = AGENT_ABSENT;
	if (a->engine->stopping)
		return;
	for (uint32_t i = 0; i < a->tries && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	a->tries++;
	if (a->tries >= TRIES)
		submit_no_agent(a->engine);
	a->retry.fn = on_retry;
	wf_timer_start(a->engine->loop, &a->retry, ms);
}

static void on_frame(struct wf_channel *c, const void *p, size_t n)
{
	messages_frame(c->user, p, n);
}

static void on_closed(struct wf_channel *c, const struct wf_err *why)
{
	struct agent *a = c->user;

	if (a->state == AGENT_HELLO)
		snprintf(a->error, sizeof(a->error), "it hung up before it said what it is");
	if (a->state >= AGENT_HELLO)
		wf_log(WF_LOG_INFO, "agent '%s' is gone%s%s", a->executor, why ? ": " : "", why ? why->text : "");
	a->channel = NULL;
	wf_idmap_release(&a->reattach);
	again(a);
}

static void say_hello(struct agent *a)
{
	struct wf_hello h = { .version = WF_WIRE_VERSION, .role = "engine", .build = WF_VERSION,
			      .epoch = a->engine->epoch, .instance = "", .host = wf_host_name(), .boot_id = "" };
	struct wf_buf b = { 0 };

	wf_wire_hello(&b, &h);
	agent_send(a, &b);
	wf_buf_release(&b);
}

void wf_core_connected(struct engine *e, const char *executor, struct wf_channel *c, const struct wf_err *err)
{
	struct agent *a = agents_of(e, executor);

	if (!c) {
		snprintf(a->error, sizeof(a->error), "%s", err->text);
		if (a->tries % 8 == 0)
			wf_log(WF_LOG_ERROR, "cannot reach agent '%s': %s", executor, err->text);
		/* Another one is there, and will listen: no failure to speak of. */
		if (err->code == WF_CONFLICT && a->tries == TRIES - 1)
			a->tries--;
		again(a);
		return;
	}
	a->channel = c;
	a->state = AGENT_HELLO;
	a->connection++;
	a->cursor_seen = a->cursor_acked = 0;
	c->user = a;
	c->on_frame = on_frame;
	c->on_closed = on_closed;
	if (e->stopping || !is_owner(e)) {
		wf_channel_close(c);
		return;
	}
	say_hello(a);
}

/* ---- reattach ------------------------------------------------------------------------------------------- */

struct refs {
	struct wf_attempt_ref *items;
	size_t count, cap;
};

static void add_ref(struct agent *a, struct refs *refs, uint64_t number, const struct wf_key *key)
{
	/* Another host's agent has it: "never heard of" from this one would prove nothing. */
	if (elsewhere(a->engine, number))
		return;
	refs->items = wf_grow(refs->items, &refs->cap, refs->count + 1, sizeof(*refs->items));
	refs->items[refs->count++] = (struct wf_attempt_ref){ .number = number, .key = *key };
	wf_idmap_set(&a->reattach, number, a);
}

/* Every attempt of the run that an agent may know. */
static void refs_of_run(struct agent *a, struct run *r, struct refs *refs)
{
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; (r->inst[i].active || r->inst[i].counts[WF_SEEN_HELD]) && k < r->inst[i].count; k++) {
			const struct wf_task *t = &r->inst[i].tasks[k];
			struct wf_key key = { .run = r->row.number, .instance = i, .index = k, .attempt = t->attempt,
					      .kind = WF_KIND_STEP };

			if ((t->state == WF_TASK_ACTIVE || t->state == WF_TASK_HELD) &&
			    t->astate != WF_ATTEMPT_ENDED && t->astate != WF_ATTEMPT_REVOKED)
				add_ref(a, refs, t->number, &key);
		}
	for (uint32_t i = 0; i < r->member_count; i++) {
		const struct wf_member *m = &r->members[i].m;
		struct wf_key key = { .run = r->row.number, .instance = m->service, .index = m->n,
				      .attempt = (uint16_t)m->generation, .kind = WF_KIND_MEMBER };

		if (m->number && m->state != WF_MEMBER_GONE)
			add_ref(a, refs, m->number, &key);
	}
}

/* What we asked for, and what may not have arrived, because a connection or an engine died: ask again. */
static void ask_again(struct engine *e, struct run *r)
{
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; r->inst[i].counts[WF_SEEN_CANCELING] && k < r->inst[i].count; k++) {
			const struct wf_task *t = &r->inst[i].tasks[k];
			struct effect f = { .kind = EFFECT_CANCEL, .why = WF_CANCEL_USER, .run = r->row.number, .a = i, .b = k,
					    .number = t->number };

			if (wf_task_seen(t) == WF_SEEN_CANCELING && t->astate != WF_ATTEMPT_ENDED && t->astate != WF_ATTEMPT_REVOKED)
				batch_effect(e, &f);
		}
	for (uint32_t i = 0; i < r->member_count; i++) {
		const struct wf_member *m = &r->members[i].m;
		struct effect f = { .kind = EFFECT_CANCEL_MEMBER, .why = WF_CANCEL_STOP, .run = r->row.number, .a = m->service, .b = m->n,
				    .number = m->number };

		if (m->state == WF_MEMBER_FENCING)
			batch_effect(e, &f);
	}
	for (uint32_t i = 0; i < r->service_count; i++) {
		struct effect f = { .kind = EFFECT_VIEW_FILE, .run = r->row.number, .a = i };

		r->services[i].stop = STOP_NONE;
		r->services[i].overdue = 0;
		r->services[i].fencing = 0;
		/* Consumers that start now read it. */
		if (service_usable(r, i))
			batch_effect(e, &f);
	}
	r->services_touched = 1;
}

void agents_ready(struct agent *a)
{
	struct engine *e = a->engine;

	a->state = AGENT_READY;
	for (size_t i = 0; i < e->live_count; i++)
		ask_again(e, e->live[i]);
	core_touch_all(e);
}

static void reattach(struct agent *a)
{
	struct engine *e = a->engine;
	struct refs refs = { 0 };
	struct wf_buf b = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < e->live_count; i++)
		refs_of_run(a, e->live[i], &refs);
	a->state = AGENT_REATTACHING;
	do {
		uint32_t n = refs.count - at > 10000 ? 10000 : (uint32_t)(refs.count - at);

		wf_wire_refs(&b, WF_WIRE_REATTACH, n ? refs.items + at : NULL, n, at + n == refs.count);
		agent_send(a, &b);
		wf_buf_clear(&b);
		at += n;
	} while (at < refs.count);
	wf_buf_release(&b);
	free(refs.items);
	if (!a->reattach.count)
		agents_ready(a);
}

static void take_text(char **to, const char *s)
{
	free(*to);
	*to = wf_xstrdup(s ? s : "");
}

void agents_hello(struct agent *a, const struct wf_hello *h)
{
	struct engine *e = a->engine;
	uint32_t had = a->cores;

	if (!h || h->version + 1 < WF_WIRE_VERSION) {
		snprintf(a->error, sizeof(a->error), "it speaks a version of the link that this engine does not know");
		wf_log(WF_LOG_ERROR, "agent '%s': %s", a->executor, a->error);
		wf_channel_close(a->channel);
		return;
	}
	if (!is_owner(e))
		return;
	take_text(&a->instance, h->instance);
	take_text(&a->host, h->host);
	take_text(&a->boot_id, h->boot_id);
	a->pid = h->pid;
	a->capabilities = h->capabilities;
	a->cores = h->cores * 1000;
	a->memory = h->memory;
	if (e->opt.local_cores && e->opt.local_cores < a->cores)
		a->cores = e->opt.local_cores;
	if (e->opt.local_memory && e->opt.local_memory < a->memory)
		a->memory = e->opt.local_memory;
	for (size_t i = 0; i < e->live_count && a->cores != had; i++)
		if (e->live[i]->loaded)
			offers_find_order(e, e->live[i]);
	/* The agent refuses numbers at or below its mark: start above it, also after our counter was restored from a backup. */
	if (h->mark >= e->next_number)
		e->next_number = h->mark + 1;
	a->tries = 0;
	a->error[0] = '\0';
	wf_log(WF_LOG_INFO, "agent '%s' (pid %u on %s): %u.%03u cores, %llu MiB", a->executor, a->pid, a->host, a->cores / 1000,
	       a->cores % 1000, (unsigned long long)(a->memory >> 20));
	reattach(a);
	submit_agent_ready(e);
}

void agents_start(struct engine *e)
{
	e->local.executor = "local";
	e->local.engine = e;
	/* An agent is started when there is work for it, or may still be work it did. */
	if (e->live_count)
		agents_need(e, "local");
}

void agents_need(struct engine *e, const char *executor)
{
	struct agent *a = agents_of(e, executor);

	/* A person asks: no back-off. */
	if (a->state == AGENT_ABSENT) {
		wf_timer_stop(e->loop, &a->retry);
		ask(a);
	}
}

void agents_stop(struct engine *e)
{
	wf_timer_stop(e->loop, &e->local.retry);
	if (e->local.channel)
		wf_channel_close(e->local.channel);
}

void agents_release(struct engine *e)
{
	/* Its handles may close after us. */
	if (e->local.channel) {
		e->local.channel->on_closed = NULL;
		wf_channel_close(e->local.channel);
	}
	free(e->local.instance);
	free(e->local.host);
	free(e->local.boot_id);
	wf_idmap_release(&e->local.reattach);
}
