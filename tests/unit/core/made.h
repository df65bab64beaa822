/* made.h - a run made by hand for tests of what is seen of it: from a workflow's text, without store or agent; its loop never runs
 *
 *     struct made m;
 *     made_run(&m, "workflow: {name: t}\nsteps: ...");
 *     made_task(&m, "sim[3]")->state = WF_TASK_FAILED; ...
 *     made_settle(&m);                                       counters follow from the facts
 */
#ifndef WF_TESTS_UNIT_CORE_MADE_H
#define WF_TESTS_UNIT_CORE_MADE_H

#include <stdlib.h>
#include <string.h>

#include "engine/core/engine.h"
#include "tests/tap/tap.h"

struct made {
	struct engine e;
	struct run *r;
};

static inline struct wf_task *made_task(struct made *m, const char *name)
{
	struct wf_err err;
	uint32_t instance, index;

	if (dag_task_find(m->r->dag, name, &instance, &index, &err) < 0)
		bail("%s", err.text);
	return &m->r->inst[instance].tasks[index];
}

/* An attempt that ran and ended so. */
static inline struct wf_task *made_ended(struct made *m, const char *name, uint8_t state, uint8_t class, int32_t code)
{
	struct wf_task *t = made_task(m, name);

	t->state = state;
	t->astate = WF_ATTEMPT_ENDED;
	t->class = class;
	t->exit = code;
	t->attempt = t->attempt ? t->attempt : 1;
	t->started_ms = 1700000000000;
	t->ended_ms = 1700000002500;
	return t;
}

static inline struct wf_task *made_running(struct made *m, const char *name)
{
	struct wf_task *t = made_task(m, name);

	t->state = WF_TASK_ACTIVE;
	t->astate = WF_ATTEMPT_RUNNING;
	t->attempt = 1;
	t->pid = 4242;
	t->started_ms = t->first_ms = wf_os_wall_ms(wf_os_posix()) - 5000;
	return t;
}

static inline void made_skipped(struct made *m, const char *name, uint8_t why, uint32_t cause, uint32_t index)
{
	struct wf_task *t = made_task(m, name);

	t->state = WF_TASK_SKIPPED;
	t->class = why;
	t->pid = cause;
	t->exit = (int32_t)index;
	t->ended_ms = 1700000003000;
}

static inline void made_settle(struct made *m)
{
	/* derive_all begins by letting go of what was counted before: nothing was. */
	for (uint32_t i = 0; i < m->r->inst_count; i++)
		m->r->inst[i].active = 0;
	m->e.local.cores_used = m->e.local.memory_used = 0;
	derive_all(&m->e, m->r);
}

static inline void made_run(struct made *m, const char *text)
{
	const char *types[] = { "services/types" };
	struct wdf_input in = { .text = text, .len = strlen(text), .file = "t.yaml" };
	struct wdf_diags d = { 0 };
	struct wf_err err;
	struct wdf *w;
	struct dag *g;

	memset(m, 0, sizeof(*m));
	m->e.os = wf_os_posix();
	m->e.loop = wf_loop_uv_create();
	m->e.state_dir = wf_xstrdup("/nowhere/state");
	m->e.run_root = wf_xstrdup("/nowhere/runs");
	m->e.local.executor = "local";
	m->e.local.engine = &m->e;
	m->e.local.state = AGENT_READY;
	m->e.local.host = wf_xstrdup("node7");
	m->e.local.instance = wf_xstrdup("i");
	m->e.local.cores = 2000;
	m->e.local.memory = (uint64_t)4 << 30;
	m->e.next_seq = 100;
	m->e.deciding = 1; /* no turn of a loop is asked for: there is none */
	m->e.types = wdf_types_load(types, 1, &err);
	if (!m->e.types)
		bail("%s", err.text);
	w = wdf_parse(&in, m->e.types, &d);
	g = w ? dag_build(w, NULL, "/work", &d) : NULL;
	if (!g) {
		wdf_diags_err(&d, "t.yaml", &err);
		bail("%s", err.text);
	}
	wdf_diags_release(&d);
	m->r = run_create(&m->e);
	m->r->row.number = 7;
	m->r->row.name = wf_xstrdup(w->name);
	m->r->row.workflow = wf_xstrdup(w->name);
	m->r->row.file = wf_xstrdup("t.yaml");
	m->r->row.executor = wf_xstrdup("local");
	m->r->row.executor_why = wf_xstrdup("asked for");
	m->r->row.workdir = wf_xstrdup("/work");
	m->r->row.state = WF_RUN_RUNNING;
	m->r->row.created_ms = m->r->row.started_ms = 1700000000000;
	m->r->row.seq = 42;
	wf_idmap_set(&m->e.by_number, 7, m->r);
	if (run_prepare(&m->e, m->r, text, strlen(text), g, w, NULL, 0, "{}", &err) < 0)
		bail("%s", err.text);
	live_add(&m->e, m->r);
	made_settle(m);
}

static inline void made_release(struct made *m)
{
	services_let_go(&m->e, m->r);
	run_free(m->r);
	wf_timer_stop(m->e.loop, &m->e.backoff_timer);
	wf_loop_destroy(m->e.loop);
	wdf_types_free(m->e.types);
	wf_idmap_release(&m->e.by_number);
	free(m->e.runs);
	free(m->e.live);
	free(m->e.touched);
	free(m->e.backoffs);
	free(m->e.local.host);
	free(m->e.local.instance);
	free(m->e.state_dir);
	free(m->e.run_root);
}

#endif
