/* event_fuzz.c - rows of events: any bytes as a packed stretch, any events into one, any bytes as a stored graph
 *
 * Asserts: damage is WF_CORRUPT and nothing else; unpack(pack(x)) is x, whatever x; things reach the same state from the stretch as from
 * its copy, and an event that is refused changes nothing; a graph that is accepted is the one that its own form says.
 */
#include <stdlib.h>
#include <string.h>

#include "dag/dag.h"
#include "engine/state/things.h"
#include "tests/fuzz/fuzz.h"

#define EVENTS_MAX 4096

struct events {
	struct wf_event items[EVENTS_MAX];
	size_t count;
};

static int same_event(const struct wf_event *a, const struct wf_event *b)
{
	for (int i = 0; i < WF_EVENT_TEXTS; i++)
		if (a->text[i].n != b->text[i].n || (a->text[i].n && memcmp(a->text[i].p, b->text[i].p, a->text[i].n) != 0))
			return 0;
	return a->seq == b->seq && a->at == b->at && a->kind == b->kind && a->a == b->a && a->b == b->b && a->run == b->run &&
	       a->cause == b->cause && a->op_id == b->op_id && a->epoch == b->epoch && memcmp(a->v, b->v, sizeof(a->v)) == 0;
}

/* ---- what events do ------------------------------------------------------------------------------------------ */

struct world {
	struct wf_run run;
	struct wf_task task;
	struct wf_service service;
	struct wf_member member;
	struct wf_lease lease;
	uint32_t refused;
};

static void apply(struct world *w, const struct wf_event *e)
{
	const struct wf_event_info *info = wf_event_info(e->kind);
	struct wf_err err = { .code = WF_OK };
	struct wf_task before = w->task;
	int rc = 0;

	switch (info ? info->subject : WF_S_ENGINE) {
	case WF_S_RUN: rc = wf_run_update(&w->run, e, &err); break;
	case WF_S_TASK:
		rc = wf_task_update(&w->task, e, &err);
		if (rc < 0)
			MUST(memcmp(&before, &w->task, sizeof(before)) == 0);
		MUST(w->task.state < WF_TASK_STATES && w->task.astate < WF_ATTEMPT_STATES);
		break;
	case WF_S_SERVICE: rc = wf_service_update(&w->service, e, &err); break;
	case WF_S_MEMBER: rc = wf_member_update(&w->member, e, &err); break;
	case WF_S_LEASE: rc = wf_lease_update(&w->lease, e, &err); break;
	case WF_S_ENGINE:
	case WF_S_INSTANCE: break;
	}
	MUST(w->run.state < WF_RUN_STATES && w->service.state < WF_SERVICE_STATES && w->member.state < WF_MEMBER_STATES &&
	     w->lease.state < WF_LEASE_STATES);
	MUST(rc == 0 || (err.code != WF_OK && err.text[0]));
	w->refused += rc < 0;
}

static void world_release(struct world *w)
{
	wf_run_release(&w->run);
	wf_service_release(&w->service);
	wf_member_release(&w->member);
}

/* ---- packed and back ------------------------------------------------------------------------------------------- */

struct compare {
	const struct events *want;
	struct world *world;
	size_t at;
};

static int on_copy(const struct wf_event *e, void *arg)
{
	struct compare *c = arg;

	MUST(c->at < c->want->count && same_event(e, &c->want->items[c->at]));
	c->at++;
	apply(c->world, e);
	return 0;
}

static void pack_again(const struct events *v)
{
	struct world first = { 0 }, second = { 0 };
	struct compare c = { .want = v, .world = &second };
	const struct wf_event *e = v->items;
	struct wf_pack p = { 0 };
	struct wf_err err;

	for (size_t i = 0; i < v->count; i++) {
		json_t *j = wf_event_json(&e[i], "r", NULL, NULL);

		MUST(j && json_is_object(j));
		json_decref(j);
		wf_pack_add(&p, &e[i]);
		apply(&first, &e[i]);
	}
	wf_pack_finish(&p);
	MUST(p.count == v->count);
	MUST_SAY(wf_unpack(p.buf.data, p.buf.len, e->run, p.first_seq, p.count, p.time, e->epoch, on_copy, &c, &err) == 0, err.text);
	MUST(c.at == v->count);
	MUST(memcmp(&first.task, &second.task, sizeof(first.task)) == 0 && first.run.state == second.run.state &&
	     first.service.state == second.service.state && first.member.state == second.member.state &&
	     first.lease.state == second.lease.state && first.refused == second.refused);
	wf_pack_release(&p);
	world_release(&first);
	world_release(&second);
}

static int on_event(const struct wf_event *e, void *arg)
{
	struct events *v = arg;

	if (v->count == EVENTS_MAX)
		return 7;
	v->items[v->count++] = *e;
	return 0;
}

/* The head of a row, then its blob. The checksum over both stands before this reader (engine/store), so nobody has to guess it. */
static void as_row(struct wf_rd *r)
{
	static struct events v;
	uint32_t count = wf_get_u16(r);
	uint64_t first = wf_get_var(r);
	int64_t time = wf_get_zig(r);
	struct wf_err err = { .code = WF_OK };
	int rc;

	if (r->bad)
		return;
	v.count = 0;
	rc = wf_unpack(r->p, (size_t)(r->end - r->p), 3, first, count, time, 5, on_event, &v, &err);
	MUST(rc == 0 || rc == 7 || (rc == -1 && err.code == WF_CORRUPT && err.text[0]));
	MUST(rc != 0 || v.count == count);
	/* What came before the damage can be packed as well. */
	if (v.count)
		pack_again(&v);
}

/* Events as they are made: any kind, any value in any field. */
static void as_events(struct wf_rd *r)
{
	static struct events v;
	uint64_t seq = wf_get_var(r);
	struct wf_event e = { .run = 3, .epoch = 5, .at = wf_get_zig(r) };

	v.count = 0;
	while (r->p < r->end && v.count < 64) {
		uint8_t change = wf_get_u8(r);

		e.seq = seq + v.count;
		if (change & 1 || !e.kind)
			e.kind = wf_get_u8(r);
		if (change & 2)
			e.at = wf_get_zig(r);
		if (change & 4)
			e.a = (uint32_t)wf_get_var(r);
		e.b = change & 8 ? (uint32_t)wf_get_var(r) : e.b + 1;
		if (change & 16)
			e.cause = wf_get_var(r);
		if (change & 32)
			e.v[wf_get_u8(r) % WF_EVENT_FIELDS] = wf_get_zig(r);
		if (change & 64) {
			size_t n;
			int i = wf_get_u8(r) % WF_EVENT_TEXTS;

			e.text[i].p = wf_get_bytes(r, &n);
			e.text[i].n = (uint32_t)n;
		}
		if (change & 128)
			e.op_id = wf_get_var(r);
		if (r->bad)
			break;
		if (e.kind)
			v.items[v.count++] = e;
	}
	if (v.count)
		pack_again(&v);
}

/* ---- the graph of a run's input ---------------------------------------------------------------------------------- */

static const struct wdf *workflow(void)
{
	static const char text[] = "workflow: {name: t}\n"
				   "steps:\n"
				   "  - {name: a, command: echo, foreach: {x: [1, 2, 3]}, outputs: ['o{{ x }}']}\n"
				   "  - {name: b, command: echo, foreach: {x: [1, 2, 3]}, inputs: ['o{{ x }}']}\n"
				   "  - {name: c, command: echo, after: [{step: a, each: true}]}\n"
				   "  - {name: d, command: echo, after: [a, b]}\n";
	static struct wdf *w;
	struct wdf_input in = { .text = text, .len = sizeof(text) - 1, .file = "f" };
	struct wdf_diags d = { 0 };

	if (w)
		return w;
	w = wdf_parse(&in, NULL, &d);
	MUST(w);
	wdf_diags_release(&d);
	return w;
}

static void as_graph(const struct wf_rd *r)
{
	struct wf_buf once = { 0 }, twice = { 0 };
	struct wf_err err = { .code = WF_OK };
	struct dag *d = dag_decode(workflow(), r->p, (size_t)(r->end - r->p), &err), *back;

	if (!d) {
		MUST(err.code == WF_CORRUPT && err.text[0]);
		return;
	}
	dag_encode(d, &once);
	back = dag_decode(workflow(), once.data, once.len, &err);
	MUST_SAY(back, err.text);
	dag_encode(back, &twice);
	MUST(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	dag_free(back);
	dag_free(d);
	wf_buf_release(&once);
	wf_buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t start = fuzz_start();
	struct wf_rd r;

	if (size < 1 || size > FUZZ_INPUT_MAX)
		return 0;
	wf_rd_init(&r, data + 1, size - 1);
	switch (data[0] % 3) {
	case 0: as_row(&r); break;
	case 1: as_events(&r); break;
	default: as_graph(&r); break;
	}
	fuzz_end(start);
	return 0;
}
