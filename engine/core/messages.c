/* messages.c - what an agent says becomes events, or is counted as a stray; nothing else in core reads the wire.
 *
 * An answer is taken when its number is the last of its task (or member) and the machine allows it; everything else came late, twice,
 * or about something we gave up, and changes nothing. A frame's cursor is acknowledged after the batch that holds its events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/core/engine.h"

/* The live task an answer is about, or NULL: a stray. */
static struct wf_task *task_of(struct engine *e, const struct wf_attempt_ref *ref, uint8_t kind, struct run **out)
{
	struct run *r = wf_core_run(e, ref->key.run);
	struct wf_task *t;

	if (!r || !r->loaded || ref->key.instance >= r->inst_count ||
	    ref->key.index >= r->inst[ref->key.instance].count)
		return NULL;
	t = &r->inst[ref->key.instance].tasks[ref->key.index];
	if (t->number != ref->number || (t->state != WF_TASK_ACTIVE && t->state != WF_TASK_HELD) ||
	    wf_sm_next(&wf_attempt_machine, t->astate, kind) < 0)
		return NULL;
	*out = r;
	return t;
}

static struct wf_member *member_of(struct engine *e, const struct wf_attempt_ref *ref, uint8_t kind, struct run **out)
{
	struct run *r = wf_core_run(e, ref->key.run);
	struct wf_member *m;

	if (!r || !r->loaded || ref->key.instance >= r->service_count ||
	    ref->key.index >= r->services[ref->key.instance].s.target)
		return NULL;
	m = &run_member(r, ref->key.instance, ref->key.index)->m;
	if (m->number != ref->number || wf_sm_next(&wf_member_machine, m->state, kind) < 0)
		return NULL;
	*out = r;
	return m;
}

static void stray(struct engine *e, const struct wf_attempt_ref *ref, uint8_t kind)
{
	struct run *r = wf_core_run(e, ref->key.run);

	e->strays++;
	wf_log(WF_LOG_DEBUG, "run %llu, attempt number %llu: '%s' came late or twice, ignoring",
	       (unsigned long long)ref->key.run, (unsigned long long)ref->number, wf_event_name(kind));
	/* Recorded where there is a live history to record it in. */
	if (ref->key.kind == WF_KIND_STEP && r && r->loaded && !wf_run_is_over(&r->row) &&
	    ref->key.instance < r->inst_count && ref->key.index < r->inst[ref->key.instance].count) {
		struct wf_event ev = { .kind = WF_E_ATTEMPT_STRAY, .a = ref->key.instance, .b = ref->key.index,
				       .v = { (int64_t)ref->number, kind } };

		core_post(e, r, &ev);
	}
}

static void text(struct wf_event *ev, int i, const char *s)
{
	ev->text[i].p = s;
	ev->text[i].n = s ? (uint32_t)strlen(s) : 0;
}

/* ---- accepted, running, ended, lost ----------------------------------------------------------------------- */

static void on_accepted(struct engine *e, const struct wf_attempt_ref *ref)
{
	struct run *r;

	if (ref->key.kind == WF_KIND_MEMBER)
		return; /* a member's launch is what counts */
	if (task_of(e, ref, WF_E_ATTEMPT_ACCEPTED, &r))
		core_post_task(e, r, WF_E_ATTEMPT_ACCEPTED, ref->key.instance, ref->key.index, (int64_t)ref->number);
	else
		stray(e, ref, WF_E_ATTEMPT_ACCEPTED);
}

static void on_running(struct engine *e, const struct wf_running *m)
{
	const struct wf_key *k = &m->ref.key;
	struct wf_event ev = { .a = k->instance, .b = k->index, .v = { (int64_t)m->ref.number, m->pid, m->started_ms } };
	struct run *r;

	if (k->kind == WF_KIND_MEMBER) {
		ev.kind = WF_E_MEMBER_LAUNCHED;
		if (member_of(e, &m->ref, ev.kind, &r))
			core_post(e, r, &ev);
		return;
	}
	ev.kind = WF_E_ATTEMPT_RUNNING;
	if (task_of(e, &m->ref, ev.kind, &r))
		core_post(e, r, &ev);
	else if (m->cursor)
		stray(e, &m->ref, ev.kind); /* without a cursor it is the answer to a question: we knew */
}

static void post_signal(struct engine *e, const struct wf_attempt_ref *ref, uint8_t kind, const char *t0, const char *t1)
{
	struct wf_event ev = { .kind = kind, .a = ref->key.instance, .b = ref->key.index, .v = { (int64_t)ref->number } };
	struct run *r;

	if (!member_of(e, ref, kind, &r))
		return; /* repeated after a reconnect, or overtaken by what came later */
	text(&ev, 0, t0);
	text(&ev, 1, t1);
	core_post(e, r, &ev);
}

static void member_gone(struct engine *e, const struct wf_attempt_ref *ref, uint8_t class, int32_t code, const char *reason)
{
	struct wf_event ev = { .kind = WF_E_MEMBER_GONE, .a = ref->key.instance, .b = ref->key.index,
			       .v = { (int64_t)ref->number, class, code } };
	struct member *mem;
	struct run *r;

	if (!member_of(e, ref, ev.kind, &r)) {
		stray(e, ref, ev.kind);
		return;
	}
	mem = run_member(r, ev.a, ev.b);
	if (mem->left && class != WF_CLASS_AGENT_LOST) {
		/* Its host has ended, its processes have not: its end is not proven. Its words stay with the agent until services.c has
		 * brought its service where that is said: an engine that dies on the way hears them again. */
		mem->unproven = 1;
		r->services_touched = 1;
		core_touch_run(e, r);
		return;
	}
	mem->why_at = 0;
	/* Of one that was fenced it is known why; that we killed it then is no reason. */
	if (mem->why || mem->m.state != WF_MEMBER_FENCING || !mem->m.reason)
		text(&ev, 0, mem->why ? mem->why : reason);
	core_post(e, r, &ev);
	/* The next generation has reasons of its own. */
	free(mem->why);
	mem->why = NULL;
	mem->left = mem->unproven = 0;
}

/* Nobody can tell whether it serves, or its host says that it does not. Either way it passes through fencing: killed, and proven gone. */
static void fence(struct engine *e, const struct wf_attempt_ref *ref, const char *reason)
{
	struct effect f = { .kind = EFFECT_CANCEL_MEMBER, .why = WF_CANCEL_STOP, .a = ref->key.instance, .b = ref->key.index,
			    .number = ref->number };
	struct run *r;

	post_signal(e, ref, WF_E_MEMBER_SUSPECT, reason, NULL);
	if (!member_of(e, ref, WF_E_MEMBER_FENCING, &r))
		return;
	post_signal(e, ref, WF_E_MEMBER_FENCING, NULL, NULL);
	f.run = r->row.number;
	batch_effect(e, &f);
}

/* Of a member whose process was seen `never heard of` proves a loss of memory, not that it may be asked for once more as if nothing was; of a
 * leaked one it proves nothing: its agent was told to forget it. */
static void member_lost(struct engine *e, const struct wf_lost *m)
{
	struct run *r;
	const struct wf_member *mem = member_of(e, &m->ref, WF_E_MEMBER_GONE, &r);

	if (m->why == WF_LOST_UNKNOWN)
		fence(e, &m->ref, m->reason);
	else if (m->why == WF_LOST_NEVER && mem && r->services[mem->service].s.state == WF_SERVICE_LEAKED)
		return;
	else if (m->why == WF_LOST_NEVER && mem && !mem->pid)
		member_gone(e, &m->ref, WF_CLASS_NEVER_SATISFIED, 0, m->reason);
	else
		member_gone(e, &m->ref, WF_CLASS_AGENT_LOST, 0, m->reason);
}

static void on_ended(struct engine *e, const struct wf_ended *m)
{
	const struct wf_key *k = &m->ref.key;
	struct wf_event ev = {
		.kind = WF_E_ATTEMPT_ENDED,
		.a = k->instance,
		.b = k->index,
		.v = { (int64_t)m->ref.number, m->class < WF_CLASS_COUNT ? m->class : WF_CLASS_EXIT, m->exit, m->started_ms,
		       m->ended_ms, (int64_t)(m->usage.cpu_us / 1000), (int64_t)m->usage.max_rss_kib,
		       (int64_t)(m->usage.read_bytes / 1024), (int64_t)(m->usage.write_bytes / 1024), m->out.where,
		       (int64_t)m->out.offset, (int64_t)m->out.length },
	};
	struct run *r;

	if (k->kind == WF_KIND_MEMBER) {
		member_gone(e, &m->ref, m->class, m->exit, m->reason);
		return;
	}
	if (!task_of(e, &m->ref, ev.kind, &r)) {
		stray(e, &m->ref, ev.kind);
		return;
	}
	text(&ev, 0, m->reason);
	if (m->class == WF_CLASS_OK)
		text(&ev, 1, m->result);
	core_post(e, r, &ev);
}

static void on_lost(struct engine *e, const struct wf_lost *m)
{
	const struct wf_key *k = &m->ref.key;
	struct wf_event ev = { .a = k->instance, .b = k->index, .v = { (int64_t)m->ref.number } };
	struct run *r;

	if (k->kind == WF_KIND_MEMBER) {
		member_lost(e, m);
		return;
	}
	switch (m->why) {
	case WF_LOST_NEVER:
		ev.kind = WF_E_ATTEMPT_REVOKED;
		if (!task_of(e, &m->ref, ev.kind, &r) && task_of(e, &m->ref, WF_E_ATTEMPT_UNKNOWN, &r)) {
			/* It ran, and its agent lost its memory: that proves nothing. */
			ev.kind = WF_E_ATTEMPT_UNKNOWN;
			text(&ev, 0, "its agent has no record of it any more");
		}
		break;
	case WF_LOST_AGENT:
		ev.kind = WF_E_ATTEMPT_ENDED;
		ev.v[1] = WF_CLASS_AGENT_LOST;
		ev.v[4] = wf_os_wall_ms(e->os);
		text(&ev, 0, m->reason);
		break;
	default:
		ev.kind = WF_E_ATTEMPT_UNKNOWN;
		text(&ev, 0, m->reason);
	}
	if (task_of(e, &m->ref, ev.kind, &r)) {
		const struct wf_task *t = &r->inst[k->instance].tasks[k->index];

		if (m->why == WF_LOST_AGENT)
			ev.v[3] = t->started_ms;
		core_post(e, r, &ev);
	} else if (m->cursor) {
		stray(e, &m->ref, ev.kind);
	}
}

/* ---- rejected ------------------------------------------------------------------------------------------------- */

/* A start that its agent does not take: it never ran and never will. Rare, so it is looked for. */
static void on_rejected(struct engine *e, const struct wf_rejected *m)
{
	struct wf_lost lost = { .ref = { .number = m->number } };
	char why[512];

	snprintf(why, sizeof(why), "its agent refused it: %.400s", m->reason ? m->reason : "no reason given");
	for (size_t n = 0; m->number && n < e->live_count; n++) {
		struct run *r = e->live[n];
		struct wf_event ev = { .kind = WF_E_ATTEMPT_ENDED, .v = { (int64_t)m->number, WF_CLASS_LAUNCH_FAILED } };

		lost.ref.key.run = r->row.number;
		ev.v[4] = wf_os_wall_ms(e->os);
		text(&ev, 0, why);
		for (ev.a = 0; ev.a < r->inst_count; ev.a++)
			for (ev.b = 0; r->inst[ev.a].active && ev.b < r->inst[ev.a].count; ev.b++) {
				const struct wf_task *t = &r->inst[ev.a].tasks[ev.b];

				if (t->number == m->number && t->state == WF_TASK_ACTIVE && t->astate == WF_ATTEMPT_SUBMITTING) {
					core_post(e, r, &ev);
					return;
				}
			}
		for (uint32_t i = 0; i < r->member_count; i++) {
			struct wf_member *mem = &r->members[i].m;

			/* Asked to leave before it was there, it was not there either. */
			if (mem->number != m->number ||
			    (mem->state != WF_MEMBER_PENDING && (mem->state != WF_MEMBER_LEAVING || mem->pid)))
				continue;
			lost.ref.key.instance = mem->service;
			lost.ref.key.index = mem->n;
			member_gone(e, &lost.ref, WF_CLASS_LAUNCH_FAILED, 0, why);
			return;
		}
	}
}

/* ---- a member's transitions ---------------------------------------------------------------------------------- */

static char *json_text(json_t *v)
{
	struct wf_buf b = { 0 };

	if (!v)
		return NULL;
	wf_json_dump(v, &b);
	return wf_buf_take(&b);
}

static void on_signal(struct engine *e, const struct wf_signal *m)
{
	json_t *o = wf_json_parse(m->body, strlen(m->body), NULL);
	const char *event = json_string_value(json_object_get(o, "event"));
	const char *reason = json_string_value(json_object_get(o, "reason"));
	struct run *r;

	if (!event) {
		wf_log(WF_LOG_WARN, "run %llu: a member's host sent no event: '%.100s', ignoring",
		       (unsigned long long)m->ref.key.run, m->body);
	} else if (strcmp(event, "joining") == 0) {
		post_signal(e, &m->ref, WF_E_MEMBER_JOINING, NULL, NULL);
	} else if (strcmp(event, "ready") == 0) {
		char *endpoint = json_text(json_object_get(o, "endpoint"));
		char *provides = json_text(json_object_get(o, "provides"));

		post_signal(e, &m->ref, WF_E_MEMBER_READY, endpoint, provides);
		free(endpoint);
		free(provides);
	} else if (strcmp(event, "healthy") == 0) {
		post_signal(e, &m->ref, WF_E_MEMBER_HEALTHY, NULL, NULL);
	} else if (strcmp(event, "suspect") == 0) {
		post_signal(e, &m->ref, WF_E_MEMBER_SUSPECT, reason, NULL);
	} else if (strcmp(event, "unready") == 0) {
		fence(e, &m->ref, reason); /* the host's verdict: hung or out of reach */
	} else if (strcmp(event, "failed") == 0 && member_of(e, &m->ref, WF_E_MEMBER_GONE, &r)) {
		struct member *mem = run_member(r, m->ref.key.instance, m->ref.key.index);

		/* Its host ends now, with a bare exit code: keep the better sentence for that moment. */
		free(mem->why);
		mem->why = wf_xstrdup(reason ? reason : "it failed");
		if (r->services[m->ref.key.instance].s.state != WF_SERVICE_LEAKED) {
			mem->why_at = m->cursor;
			e->local.unsaid = 1;
		}
		mem->left = json_array_size(json_object_get(o, "left")) > 0;
	}
	json_decref(o);
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

static void answered(struct agent *a, uint64_t number)
{
	if (!a->reattach.count)
		return;
	wf_idmap_del(&a->reattach, number);
	if (!a->reattach.count && a->state == AGENT_REATTACHING) {
		wf_log(WF_LOG_INFO, "agent '%s': every attempt is accounted for", a->executor);
		agents_ready(a);
	}
}

/* Everything up to here is in events. A member's last words become one only with its end: until then the agent has to keep them. */
static uint64_t recorded(struct agent *a)
{
	uint64_t cursor = a->cursor_seen;
	int unsaid = 0;

	for (size_t i = 0; a->unsaid && i < a->engine->live_count; i++) {
		const struct run *r = a->engine->live[i];

		for (uint32_t k = 0; k < r->member_count; k++)
			if (r->members[k].why_at) {
				unsaid = 1;
				if (r->members[k].why_at <= cursor)
					cursor = r->members[k].why_at - 1;
			}
	}
	a->unsaid = (uint8_t)unsaid;
	return cursor;
}

static void saw(struct agent *a, uint64_t cursor)
{
	if (cursor > a->cursor_seen)
		a->cursor_seen = cursor;
}

static void each(struct agent *a, const struct wf_frame *f, uint32_t i)
{
	struct engine *e = a->engine;

	switch (f->type) {
	case WF_WIRE_ACCEPTED:
		on_accepted(e, &f->ref[i]);
		answered(a, f->ref[i].number);
		break;
	case WF_WIRE_RUNNING:
		on_running(e, &f->running[i]);
		saw(a, f->running[i].cursor);
		answered(a, f->running[i].ref.number);
		break;
	case WF_WIRE_ENDED:
		on_ended(e, &f->ended[i]);
		saw(a, f->ended[i].cursor);
		answered(a, f->ended[i].ref.number);
		break;
	case WF_WIRE_LOST:
		on_lost(e, &f->lost[i]);
		saw(a, f->lost[i].cursor);
		answered(a, f->lost[i].ref.number);
		break;
	case WF_WIRE_SIGNAL:
		on_signal(e, &f->signal[i]);
		saw(a, f->signal[i].cursor);
		break;
	case WF_WIRE_REJECTED:
		wf_log(WF_LOG_ERROR, "agent '%s' rejected %llu: %s", a->executor,
		       (unsigned long long)f->rejected[i].number, f->rejected[i].reason ? f->rejected[i].reason : "");
		on_rejected(e, &f->rejected[i]);
		break;
	default:
		break; /* results of operations and samples: nobody waits for them yet */
	}
}

void messages_frame(struct agent *a, const void *p, size_t n)
{
	struct wf_frame f;
	struct wf_err err;
	uint64_t cursor;

	if (wf_wire_decode(&f, p, n, &err) < 0) {
		wf_log(WF_LOG_ERROR, "agent '%s': %s", a->executor, err.text);
		wf_channel_close(a->channel);
		wf_frame_release(&f);
		return;
	}
	a->engine->cause = 0;
	if (f.type == WF_WIRE_HELLO)
		agents_hello(a, f.count ? f.hello : NULL);
	else
		for (uint32_t i = 0; i < f.count; i++)
			each(a, &f, i);
	cursor = recorded(a);
	if (cursor > a->cursor_acked) {
		struct effect ack = { .kind = EFFECT_ACK, .a = a->connection, .number = cursor };

		a->cursor_acked = cursor;
		batch_effect(a->engine, &ack);
	}
	wf_frame_release(&f);
}
