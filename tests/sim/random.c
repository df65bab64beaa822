/* random.c - owns workflows nobody thought of: steps, fan-outs, edges, services, limits, failures and a client's acts, all from the seed. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/play.h"
#include "tests/sim/random.h"

enum { STEPS = 200, NEAR = 12 };

struct shape {
	int steps, services, list;     /* list: the step whose result sizes others, or -1 */
	struct {
		int fan;               /* tasks; 0: one, written without index; -1: sized by the list */
		int fan_of;            /* whose fan-out it is, for `each` */
		int result;            /* promises a result */
	} step[STEPS];
};

static int one_in(struct sim_stream *s, unsigned n)
{
	return sim_stream_rnd(s, n) == 0;
}

static void write_service(struct sim_stream *s, struct wf_buf *b, int i)
{
	static const char *const policies[] = { "restart", "restart", "hold", "fail" };

	wf_buf_printf(b, "  - {name: v%d, type: COMMAND, command: 'serve', ready: {file: v%d.up}, provides: {V%d: here}", i, i, i);
	if (one_in(s, 2))
		wf_buf_printf(b, ", on_failure: %s", policies[sim_stream_rnd(s, WF_COUNT(policies))]);
	if (one_in(s, 3))
		wf_buf_str(b, ", start: eager");
	if (one_in(s, 3))
		wf_buf_str(b, ", resources: {cpus: 1}");
	/* A step that no service is used by before: s0 uses none. */
	if (one_in(s, 4))
		wf_buf_printf(b, ", after: [s0]");
	else if (i && one_in(s, 3))
		wf_buf_printf(b, ", after: [v%d]", i - 1);
	wf_buf_str(b, "}\n");
}

static void write_after(struct sim_stream *s, struct wf_buf *b, struct shape *sh, int i, int each)
{
	static const char *const results[] = { "success", "success", "success", "success", "any", "any", "failure", "start" };
	int n = 0;

	wf_buf_str(b, ", after: [");
	for (int k = i > NEAR ? i - NEAR : 0; k < i; k++) {
		const char *result = results[sim_stream_rnd(s, WF_COUNT(results))];

		if (k != each && !one_in(s, i > 8 ? 8 : 3))
			continue;
		wf_buf_printf(b, "%s{step: s%d, ", n++ ? ", " : "", k);
		if (k == each || (sh->step[k].fan && sh->step[k].fan_of == sh->step[i].fan_of && one_in(s, 2)))
			wf_buf_str(b, "each: true, ");
		wf_buf_printf(b, "result: %s}", result);
	}
	wf_buf_char(b, ']');
}

static void write_step(struct sim_stream *s, struct wf_buf *b, struct shape *sh, int i)
{
	int each = -1;

	for (int k = i > NEAR ? i - NEAR : 0; k < i; k++)
		if (sh->step[k].fan && one_in(s, i > 8 ? 12 : 3))
			each = k;
	wf_buf_printf(b, "  - {name: s%d, command: 'work'", i);
	sh->step[i].fan_of = i;
	if (each >= 0) {
		sh->step[i].fan = sh->step[each].fan;
		sh->step[i].fan_of = sh->step[each].fan_of;
	} else if (sh->list >= 0 && one_in(s, 2)) {
		sh->step[i].fan = -1;
		wf_buf_printf(b, ", foreach: {x: {from: s%d, list: items}}", sh->list);
	} else if (one_in(s, 2)) {
		sh->step[i].fan = (int)sim_stream_rnd(s, one_in(s, 30) ? 40 : 6);
		wf_buf_printf(b, ", foreach: {x: {range: %d}}", sh->step[i].fan);
		if (!sh->step[i].fan && one_in(s, 2))
			wf_buf_str(b, ", if_empty: run");
		if (!sh->step[i].fan)
			sh->step[i].fan = 1; /* it fans out, into nothing */
	} else if (one_in(s, 3)) {
		sh->step[i].result = 1;
		wf_buf_str(b, ", results: [items]");
		if (sh->list < 0)
			sh->list = i;
	}
	if (i)
		write_after(s, b, sh, i, each);
	if (sh->step[i].fan > 0 && each < 0 && one_in(s, 4))
		wf_buf_printf(b, ", when: 'x != %d'", (int)sim_stream_rnd(s, 4));
	if (one_in(s, 4))
		wf_buf_printf(b, ", parallel: %d", 1 + (int)sim_stream_rnd(s, 3));
	if (one_in(s, 5))
		wf_buf_str(b, ", pool: tokens");
	if (one_in(s, 4))
		wf_buf_printf(b, ", tolerate: %d", (int)sim_stream_rnd(s, 3));
	if (one_in(s, 3))
		wf_buf_printf(b, ", retry: {limit: %d, backoff: %ds}", 1 + (int)sim_stream_rnd(s, 2), (int)sim_stream_rnd(s, 4));
	if (one_in(s, 5))
		wf_buf_printf(b, ", priority: %d", (int)sim_stream_rnd(s, 3));
	if (one_in(s, 5))
		wf_buf_str(b, ", resources: {cpus: 2, memory: 3GiB}");
	if (i && sh->services && one_in(s, 2)) {
		wf_buf_printf(b, ", services: [v0");
		if (sh->services > 1 && one_in(s, 2))
			wf_buf_str(b, ", {name: v1, access: RO}");
		wf_buf_char(b, ']');
	}
	wf_buf_str(b, "}\n");
}

static void timing(struct sim_stream *s, struct wf_buf *b)
{
	if (one_in(s, 4))
		wf_buf_printf(b, " queue=%d", (int)sim_stream_rnd(s, 2000));
	if (one_in(s, 5))
		wf_buf_printf(b, " late=%d", (int)sim_stream_rnd(s, 4000));
	if (one_in(s, 5))
		wf_buf_str(b, " twice");
	if (one_in(s, 5))
		wf_buf_printf(b, " accept=%d", (int)sim_stream_rnd(s, 12000));
	if (one_in(s, 5))
		wf_buf_str(b, " stale");
	if (one_in(s, 6))
		wf_buf_printf(b, " pid=%d", 4000 + (int)sim_stream_rnd(s, 3));
	wf_buf_char(b, '\n');
}

static void script_service(struct sim_stream *s, struct wf_buf *b, int i)
{
	int ready = (int)sim_stream_rnd(s, 3000);

	if (one_in(s, 6))
		wf_buf_printf(b, "v%d.0%s fail exit ready=never after=%d\n", i, one_in(s, 2) ? "/1" : "", (int)sim_stream_rnd(s, 5000));
	else if (one_in(s, 3))
		wf_buf_printf(b, "v%d.0/1 fail signal ready=%d after=%d\n", i, ready, ready + (int)sim_stream_rnd(s, 20000));
	if (one_in(s, 8))
		wf_buf_printf(b, "v%d.0/2 refuse\n", i);
	wf_buf_printf(b, "v%d.0 hang ready=%d\n", i, ready);
}

static void script_list(struct sim_stream *s, struct wf_buf *b, int i)
{
	if (one_in(s, 5))
		wf_buf_printf(b, "s%d%s fail exit after=%d\n", i, one_in(s, 2) ? "/1" : "", (int)sim_stream_rnd(s, 3000));
	wf_buf_printf(b, "s%d finish after=%d result=%s\n", i, (int)sim_stream_rnd(s, 3000),
		      one_in(s, 5) ? "{\"items\":[]}" : one_in(s, 5) ? "{\"items\":3}" : "{\"items\":[1,2,\"three\"]}");
}

static void script_step(struct sim_stream *s, struct wf_buf *b, int i, const char *action)
{
	static const char *const classes[] = { "exit", "signal", "timeout", "out_of_memory", "launch_failed", "output_missing" };

	int quick = one_in(s, 4); /* so quick that starts wait at the agent */

	/* What its agent denies, or cannot tell of. */
	if (action && one_in(s, 2))
		wf_buf_printf(b, "s%d%s/1 %s\n", i, one_in(s, 2) ? "" : "[0]", action);
	for (int k = 0; k < 5; k++) {
		if (one_in(s, 6)) {
			wf_buf_printf(b, "s%d[%d]%s fail %s after=%d", i, k, one_in(s, 2) ? "/1" : "",
				      classes[sim_stream_rnd(s, WF_COUNT(classes))], (int)sim_stream_rnd(s, 6000));
			timing(s, b);
		}
		wf_buf_printf(b, "s%d[%d] finish after=%d", i, k, (int)sim_stream_rnd(s, quick ? 4 : 10000));
		timing(s, b);
	}
	if (one_in(s, 5))
		wf_buf_printf(b, "s%d%s fail %s\n", i, one_in(s, 2) ? "/1" : "", classes[sim_stream_rnd(s, WF_COUNT(classes))]);
	wf_buf_printf(b, "s%d finish after=%d", i, (int)sim_stream_rnd(s, 8000));
	timing(s, b);
}

static void choose_acts(struct sim_stream *s, struct act *acts)
{
	static const struct act lists[][3] = {
		{ { ACT_NONE, 0 } },
		{ { ACT_NONE, 0 } },
		{ { ACT_CANCEL, 20000 } },
		{ { ACT_PAUSE, 5000 }, { ACT_RESUME, 10000 } },
		{ { ACT_PAUSE, 5000 }, { ACT_CANCEL, 3000 } },
		{ { ACT_RETRY, 1000 } },
		{ { ACT_CANCEL, 20000 }, { ACT_RETRY, 1000 } },
		{ { ACT_CANCEL, 10000 }, { ACT_RETRY, 1000 }, { ACT_CANCEL, 10000 } },
		{ { ACT_RETRY, 1000 }, { ACT_RETRY, 1000 } },
		{ { ACT_BREAK, 9000 }, { ACT_BREAK, 9000 } },
	};

	memcpy(acts, lists[sim_stream_rnd(s, WF_COUNT(lists))], sizeof(lists[0]));
}

/* Each part has a stream of its own, so that a plan with fewer steps has the first of them unchanged. */
enum { STREAM_SERVICES = 100, STREAM_ACTS = 200, STREAM_STEPS = 1000 };

void random_write(struct play *p, struct wf_buf *script)
{
	static const char *const policies[] = { "hold", "rerun", "fail" };
	const struct plan *plan = p->plan;
	struct shape sh = { .steps = (int)plan->most[KNOB_steps], .services = (int)plan->most[KNOB_services], .list = -1 };
	struct wf_buf *b = &p->text;
	struct sim_stream s;

	if (sh.steps > STEPS || sh.steps < 1)
		sh.steps = sh.steps < 1 ? 1 : STEPS;
	sim_stream_init(&s, plan->seed, STREAM_SERVICES);
	wf_buf_str(b, "workflow: {name: random}\npools: {tokens: 2}\n");
	if (p->scenario->lies)
		wf_buf_printf(b, "defaults: {on_unknown: %s}\n", policies[sim_stream_rnd(&s, WF_COUNT(policies))]);
	if (sh.services)
		wf_buf_str(b, "services:\n");
	for (int i = 0; i < sh.services; i++) {
		sim_stream_init(&s, plan->seed, STREAM_SERVICES + 1 + (uint64_t)i);
		write_service(&s, b, i);
		script_service(&s, script, i);
	}
	wf_buf_str(b, "steps:\n");
	for (int i = 0; i < sh.steps; i++) {
		sim_stream_init(&s, plan->seed, STREAM_STEPS + (uint64_t)i);
		write_step(&s, b, &sh, i);
		if (sh.step[i].result)
			script_list(&s, script, i);
		else
			script_step(&s, script, i, !p->scenario->lies ? NULL : one_in(&s, 2) ? "vanish" : "forget");
	}
	sim_stream_init(&s, plan->seed, STREAM_ACTS);
	choose_acts(&s, p->acts);
}
