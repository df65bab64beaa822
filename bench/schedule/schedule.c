/* schedule.c - card B10: makespans of traces on the command line, by the production core and by others, beside the best known
 *
 *     schedule TRACE.json...        rows for build/bench.json on standard output, a table by number of cores on standard error
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/schedule/schedule.h"
#include "engine/base/log.h"

static const uint32_t cores[] = { 2, 8, 32, 128 };
enum { SIZES = sizeof(cores) / sizeof(cores[0]) };

/* Of one policy: ratios to the best known and to the bound, and how many there are. */
struct score {
	double log_sum, log_bound, worst;
	unsigned n;
	char worst_at[200];
};

enum { CORE, FIFO, BLEVEL, POLICIES };
static const char *const names[POLICIES] = { "wf's core", "FIFO", "b-level, exact times" };
static struct score all[POLICIES], by_cores[SIZES][POLICIES];

static void add(struct score *s, int64_t made, int64_t best, int64_t bound, const char *trace, uint32_t p)
{
	double ratio = best ? (double)made / (double)best : 1;

	s->log_sum += log(ratio);
	s->log_bound += log(bound ? (double)made / (double)bound : 1);
	s->n++;
	if (ratio > s->worst) {
		s->worst = ratio;
		snprintf(s->worst_at, sizeof(s->worst_at), "%.150s on %u cores", strrchr(trace, '/') ? strrchr(trace, '/') + 1 : trace, p);
	}
}

static double mean(const struct score *s)
{
	return exp(s->log_sum / s->n);
}

static void measure(const struct work *w, const char *trace)
{
	for (size_t i = 0; i < SIZES; i++) {
		int64_t made[POLICIES], best, bound = lower_bound(w, cores[i]);

		if (w->most_cores > cores[i])
			continue;
		made[CORE] = core_makespan(w, cores[i]);
		made[FIFO] = list_makespan(w, cores[i], LIST_FIFO);
		made[BLEVEL] = list_makespan(w, cores[i], LIST_BLEVEL);
		best = made[FIFO] < made[BLEVEL] ? made[FIFO] : made[BLEVEL];
		best = best_known(w, cores[i], made[CORE] < best ? made[CORE] : best);
		for (int p = 0; p < POLICIES; p++) {
			add(&all[p], made[p], best, bound, trace, cores[i]);
			add(&by_cores[i][p], made[p], best, bound, trace, cores[i]);
		}
	}
}

static void table(void)
{
	fprintf(stderr, "%-6s %-22s %10s %10s %10s  %s\n", "cores", "policy", "mean/best", "worst", "mean/bound", "worst trace");
	for (size_t i = 0; i < SIZES; i++)
		for (int p = 0; p < POLICIES; p++) {
			const struct score *s = &by_cores[i][p];

			if (s->n)
				fprintf(stderr, "%-6u %-22s %10.4f %10.4f %10.4f  %s\n", cores[i], names[p], mean(s), s->worst,
					exp(s->log_bound / s->n), s->worst_at);
		}
}

/* A target of 0: none, it stands beside. */
static void row(const char *name, const char *what, double value, double target, int last)
{
	printf("  {\"card\": \"B10\", \"name\": \"%s: makespan / best known, %s\", \"value\": %.5f, \"unit\": \"x\", ", name, what, value);
	printf("\"floor\": 1, \"ratio\": %.5f, ", value);
	if (target > 0)
		printf("\"target\": %g, \"met\": %s}%s\n", target, value <= target ? "true" : "false", last ? "" : ",");
	else
		printf("\"target\": null, \"met\": null}%s\n", last ? "" : ",");
}

int main(int argc, char **argv)
{
	struct wf_err err;
	struct work w;

	if (argc < 2) {
		fprintf(stderr, "usage: schedule TRACE.json...\n");
		return 2;
	}
	wf_log_to(2, WF_LOG_ERROR, "schedule");
	for (int i = 1; i < argc; i++) {
		if (work_read(&w, argv[i], &err) < 0) {
			fprintf(stderr, "schedule: %s\n", err.text);
			return 1;
		}
		measure(&w, argv[i]);
		work_release(&w);
	}
	table();
	printf("[\n");
	for (int p = 0; p < POLICIES; p++) {
		row(names[p], "geometric mean", mean(&all[p]), p == CORE ? 1.01 : 0, 0);
		row(names[p], "worst", all[p].worst, p == CORE ? 1.05 : 0, p + 1 == POLICIES);
	}
	printf("]\n");
	return 0;
}
