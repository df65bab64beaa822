/* estimate_test.c - what is said before a run, on small graphs and against bounds on random ones. */
#include "tests/unit/dag/random_graph.h"

static const char *path(const struct dag *d, const struct dag_estimate *e)
{
	static struct wf_buf out;

	wf_buf_clear(&out);
	for (uint32_t i = 0; i < e->path_count; i++)
		wf_buf_printf(&out, "%s%s", i ? " " : "", d->instances[e->path[i]].name);
	return wf_buf_cstr(&out);
}

/*   prepare(1) ==> sim(10) x 4 --each--> post(2) x 4 ==> report(1)
                `=> look(5)                                          */
static void small(void)
{
	struct maker m;
	struct dag_estimate e;
	struct dag *d;
	uint32_t p, s, o, r, l;

	maker_init(&m);
	p = step(&m, "prepare");
	s = step(&m, "sim");
	o = step(&m, "post");
	r = step(&m, "report");
	l = step(&m, "look");
	fan(&m, s, "i", 4);
	after(&m, s, p, WDF_SUCCESS);
	each(&m, o, s, WDF_SUCCESS);
	after(&m, r, o, WDF_SUCCESS);
	after(&m, l, p, WDF_SUCCESS);
	m.w.steps[p].resources.time_ms = 1;
	m.w.steps[s].resources.time_ms = 10;
	m.w.steps[s].resources.ranks = 2;
	m.w.steps[o].resources.time_ms = 2;
	m.w.steps[r].resources.time_ms = 1;
	m.w.steps[l].resources.time_ms = 5;
	m.w.steps[l].resources.cpus = 2;
	d = build(&m);
	dag_estimate(d, 4, 0, &e);
	is_int(e.tasks, 11, "tasks");
	is_int(e.steps, 5, "steps");
	is_int(e.edges, 4 + 4 + 4 + 1, "edges as written out");
	is_int(e.depth, 4, "depth");
	is_int(e.width, 5, "width");
	is_int(e.critical_ms, 14, "the longest path");
	is_str(path(d, &e), "prepare sim post report", "and which it is");
	is_int(e.work_ms, 1 + 4 * 10 * 2 + 4 * 2 + 1 + 5, "work");
	is_int(e.core_ms, 1 + 80 + 8 + 1 + 10, "core time");
	/* 1; two sims of 2 cores; two more; look beside the posts */
	is_int(e.makespan_ms, 1 + 10 + 10 + 5, "makespan on 4 cores");
	is_int(d->instances[p].weight, 14, "weight of the head");
	is_int(d->instances[l].weight, 5, "weight of the side branch");
	m.w.steps[s].parallel = 1;
	dag_estimate(d, 64, 0, &e);
	is_int(e.makespan_ms, 1 + 40 + 2 + 1, "one simulation at a time");
	m.w.steps[s].parallel = 0;
	m.w.steps[s].resources.memory = 100;
	dag_estimate(d, 64, 250, &e);
	is_int(e.makespan_ms, 1 + 20 + 2 + 1, "memory for two");
	m.w.steps[s].resources.memory = 0;
	m.w.pool_count = 1;
	m.w.pools[0] = (struct wdf_pool){ .name = "licence", .limit = 3 };
	m.w.steps[s].pool = 0;
	dag_estimate(d, 64, 0, &e);
	is_int(e.makespan_ms, 1 + 20 + 2 + 1, "three licences");
	dag_free(d);
	maker_release(&m);
}

static void priorities(void)
{
	struct maker m;
	struct dag_estimate e;
	struct dag *d;
	uint32_t a, b, c;

	/*   a(1) --> c(10)      b(5), b first by priority or not    one core */
	maker_init(&m);
	b = step(&m, "b");
	a = step(&m, "a");
	c = step(&m, "c");
	after(&m, c, a, WDF_SUCCESS);
	m.w.steps[a].resources.time_ms = 1;
	m.w.steps[b].resources.time_ms = 5;
	m.w.steps[c].resources = (struct wdf_resources){ .ranks = 1, .cpus = 2, .time_ms = 10 };
	d = build(&m);
	dag_estimate(d, 2, 0, &e);
	is_int(e.makespan_ms, 15, "both start at once");
	m.w.steps[a].resources.cpus = 2;
	dag_estimate(d, 2, 0, &e);
	is_int(e.makespan_ms, 16, "the longer path goes first");
	is_int(d->instances[a].weight, 11, "by its weight");
	m.w.steps[b].priority = 1;
	dag_estimate(d, 2, 0, &e);
	is_int(e.makespan_ms, 16, "b before a");
	m.w.steps[b].resources.cpus = 2;
	m.w.steps[b].parallel = 1;
	dag_estimate(d, 2, 0, &e);
	is_int(e.makespan_ms, 16, "one after the other in any order");
	dag_free(d);
	maker_release(&m);

	/*   a(1) --> c(10) on one core of two, b(5) on both: b first costs 5, b last hides nothing   */
	maker_init(&m);
	b = step(&m, "b");
	a = step(&m, "a");
	c = step(&m, "c");
	after(&m, c, a, WDF_SUCCESS);
	m.w.steps[a].resources.time_ms = 1;
	m.w.steps[c].resources.time_ms = 10;
	m.w.steps[b].resources.time_ms = 5;
	fan(&m, b, "i", 2);
	d = build(&m);
	dag_estimate(d, 1 + 1, 0, &e);
	is_int(e.makespan_ms, 11, "by weight, b fills the gaps");
	m.w.steps[b].priority = 1;
	dag_estimate(d, 2, 0, &e);
	is_int(e.makespan_ms, 16, "by priority, b goes first whatever it costs");
	dag_free(d);
	maker_release(&m);
}

/* No times: steps count 1 each, and there is still a longest path. A fan-out that is not sized does not break it. */
static void untimed(void)
{
	struct maker m;
	struct dag_estimate e;
	struct dag *d;
	uint32_t a, b, c, x;

	maker_init(&m);
	a = step(&m, "list");
	b = step(&m, "sim");
	c = step(&m, "report");
	x = step(&m, "aside");
	fan_from(&m, b, "i", a);
	after(&m, c, b, WDF_SUCCESS);
	fan(&m, x, "i", 7);
	d = build(&m);
	dag_estimate(d, 2, 0, &e);
	is_int(e.unsized, 1, "one fan-out is sized while running");
	is_int(e.tasks, 9, "the tasks that are known");
	is_int(e.critical_ms, 0, "no times");
	is_str(path(d, &e), "list report", "the longest chain passes through it");
	is_int(e.depth, 2, "its depth");
	is_int(e.width, 8, "the width");
	is_int(d->instances[a].weight, 3, "weights count it once");
	dag_free(d);
	maker_release(&m);
}

/* Longest path by relaxing again and again, in tasks and in time; conditions other than a normal end are kept out by the caller. */
static int64_t longest(const struct want *w, int in_tasks)
{
	int64_t end[STEPS][TASKS] = { 0 }, most = 0;
	int changed;

	do {
		changed = 0;
		for (uint32_t s = 0; s < w->step_count; s++)
			for (uint32_t j = 0; j < w->steps[s].count; j++) {
				int64_t start = 0;

				for (uint32_t k = 0; k < w->edge_count; k++)
					for (uint32_t i = 0; w->edges[k].to == s &&
							     i < w->steps[w->edges[k].from].count;
					     i++)
						if (relates(w, &w->edges[k], i, j) &&
						    end[w->edges[k].from][i] > start)
							start = end[w->edges[k].from][i];
				start += in_tasks ? 1 : w->steps[s].time_ms;
				changed |= end[s][j] != start;
				end[s][j] = start;
				most = start > most ? start : most;
			}
	} while (changed);
	return most;
}

/* Only graphs in which every task runs: no empty or run-time fan-outs, no failure and start edges. */
static int is_plain(const struct want *w)
{
	for (uint32_t s = 0; s < w->step_count; s++)
		if (!w->steps[s].count || w->steps[s].sized_by != NONE)
			return 0;
	for (uint32_t k = 0; k < w->edge_count; k++)
		if (w->edges[k].result == WDF_FAILURE || w->edges[k].result == WDF_START)
			return 0;
	return !has_circle(w);
}

static void random_bounds(void)
{
	uint32_t graphs = 0, bad = 0;

	for (uint64_t i = 0; graphs < 1000 && bad == 0; i++) {
		struct dag_estimate e;
		struct maker m;
		struct want w;
		struct dag *d;
		uint32_t cores = 1 + (uint32_t)(i % 7);
		int64_t sum = 0, on_path = 0;

		seed = i * 31 + 7;
		random_want(&w, 30);
		if (!is_plain(&w))
			continue;
		graphs++;
		make_want(&m, &w);
		for (uint32_t s = 0; s < w.step_count; s++) {
			m.w.steps[s].resources.cpus = 1 + draw(cores);
			m.w.steps[s].priority = (int32_t)draw(3);
			m.w.steps[s].parallel = draw(3);
			sum += w.steps[s].time_ms * w.steps[s].count;
		}
		d = build(&m);
		dag_estimate(d, cores, 0, &e);
		for (uint32_t k = 0; k < e.path_count; k++)
			on_path += w.steps[e.path[k]].time_ms;
		bad += e.depth != (uint32_t)longest(&w, 1);
		bad += d->timed && e.critical_ms != longest(&w, 0);
		bad += e.makespan_ms < e.critical_ms;
		bad += e.makespan_ms * cores < e.core_ms;
		bad += e.makespan_ms > sum;
		bad += d->timed && on_path > e.critical_ms;
		bad += e.width > e.tasks || (uint64_t)e.width * e.depth < e.tasks;
		if (bad)
			diag("graph %llu: depth %u (%lld) critical %lld (%lld) makespan %lld "
			     "core_ms %lld cores %u sum %lld path %lld",
			     (unsigned long long)i, e.depth, (long long)longest(&w, 1),
			     (long long)e.critical_ms, (long long)longest(&w, 0),
			     (long long)e.makespan_ms, (long long)e.core_ms, cores, (long long)sum,
			     (long long)on_path);
		dag_free(d);
		maker_release(&m);
	}
	is_int(bad, 0, "%u random graphs keep every bound", graphs);
}

int main(void)
{
	small();
	priorities();
	untimed();
	random_bounds();
	return done_testing();
}
