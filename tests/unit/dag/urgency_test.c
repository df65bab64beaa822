/* urgency_test.c - orders that are better than the longest path first: never longer by the list schedule, often shorter, and only where
 * something is known.
 */
#include <string.h>

#include "dag/dag.h"
#include "tests/unit/dag/maker.h"

static uint64_t seed = 11;

static uint32_t draw(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static int is_by_weight(const struct dag *d)
{
	for (uint32_t i = 0; i < d->instance_count; i++)
		if (d->instances[i].urgency != d->instances[i].weight)
			return 0;
	return 1;
}

/* Up to 40 steps of 1 to 100 ms, some with up to 4 tasks, each after up to 3 of the last 8 before it. */
static struct dag *random_dag(struct maker *m, uint32_t cores)
{
	uint32_t n = 5 + draw(36);

	maker_init(m);
	for (uint32_t s = 0; s < n; s++) {
		char name[16];

		snprintf(name, sizeof(name), "s%u", s);
		step(m, name);
		if (!draw(4))
			fan(m, s, "i", 1 + draw(4));
		for (uint32_t k = draw(4), from = s > 8 ? s - 8 : 0; s && k; k--)
			after(m, s, from + draw(s - from), WDF_SUCCESS);
		m->w.steps[s].resources.time_ms = 1 + draw(100);
		m->w.steps[s].resources.cpus = draw(4) ? 1 : 1 + draw(cores);
	}
	return build(m);
}

static void random_graphs(void)
{
	uint32_t longer = 0, shorter = 0, changed = 0, graphs = 2000;

	for (uint32_t i = 0; i < graphs; i++) {
		uint32_t cores = 2 + draw(7);
		struct dag_estimate before, found;
		struct maker m;
		struct dag *d = random_dag(&m, cores);

		dag_estimate(d, cores, 0, &before);
		dag_find_urgency(d, cores);
		dag_estimate(d, cores, 0, &found);
		longer += found.makespan_ms > before.makespan_ms;
		shorter += found.makespan_ms < before.makespan_ms;
		changed += !is_by_weight(d);
		dag_free(d);
		maker_release(&m);
	}
	is_int(longer, 0, "of %u graphs none takes longer", graphs);
	ok(shorter > graphs / 10, "%u take less time", shorter);
	is_int(changed, shorter, "where nothing is gained the order stays");
}

static void stays(void)
{
	struct maker m;
	struct dag *d;
	uint32_t s;

	maker_init(&m);
	s = step(&m, "a");
	after(&m, step(&m, "b"), s, WDF_SUCCESS);
	d = build(&m);
	dag_find_urgency(d, 2);
	ok(is_by_weight(d), "without times there is nothing to look for");
	d->instances[0].urgency = 99;
	dag_find_urgency(d, 0);
	ok(is_by_weight(d), "nor without cores; what was found before is forgotten");
	dag_free(d);
	maker_release(&m);

	maker_init(&m);
	s = step(&m, "a");
	m.w.steps[s].resources.time_ms = 5;
	fan(&m, s, "i", 5000);
	d = build(&m);
	dag_find_urgency(d, 2);
	ok(is_by_weight(d), "a large sweep keeps its order");
	dag_free(d);
	maker_release(&m);

	maker_init(&m);
	s = step(&m, "a");
	fan(&m, s, "i", 400);
	m.w.steps[s].resources.time_ms = 5;
	after(&m, step(&m, "b"), s, WDF_SUCCESS);
	fan(&m, 1, "k", 400);
	d = build(&m);
	dag_find_urgency(d, 2);
	ok(is_by_weight(d), "so does one with very many edges");
	dag_free(d);
	maker_release(&m);

	maker_init(&m);
	s = step(&m, "a");
	m.w.steps[s].resources.time_ms = 5;
	fan_from(&m, step(&m, "b"), "i", s);
	d = build(&m);
	dag_find_urgency(d, 2);
	ok(is_by_weight(d), "and one that nobody can count yet");
	dag_free(d);
	maker_release(&m);
}

int main(void)
{
	random_graphs();
	stays();
	return done_testing();
}
