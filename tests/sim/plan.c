/* plan.c - owns how a seed becomes a plan, and a plan a line of text. */
#include "tests/sim/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/play.h"

static const struct {
	const char *name;
	unsigned most;
} knobs[] = {
#define X(name, most) { #name, most },
	KNOBS(X)
#undef X
};

const char *plan_knob_name(enum knob k)
{
	return knobs[k].name;
}

/* Few steps more often than many: what goes wrong with two hundred goes wrong with eight. */
static unsigned choose_steps(struct sim_stream *s)
{
	switch (sim_stream_rnd(s, 16)) {
	case 0:
		return 50 + (unsigned)sim_stream_rnd(s, 151);
	case 1:
	case 2:
		return 10 + (unsigned)sim_stream_rnd(s, 41);
	default:
		return 1 + (unsigned)sim_stream_rnd(s, 9);
	}
}

static const struct scenario *choose_scenario(struct sim_stream *s)
{
	size_t n = 0, at;

	for (size_t i = 0; i < scenario_count; i++)
		n += scenarios[i].weight;
	at = sim_stream_rnd(s, n);
	for (size_t i = 0;; i++) {
		if (at < scenarios[i].weight)
			return &scenarios[i];
		at -= scenarios[i].weight;
	}
}

void plan_of_seed(struct plan *p, uint64_t seed)
{
	struct sim_stream s;

	memset(p, 0, sizeof(*p));
	sim_stream_init(&s, seed, 1);
	p->seed = seed;
	p->scenario = choose_scenario(&s);
	for (int i = 0; i < KNOB_COUNT; i++) {
		/* A third of all kinds in one play: with all of them at once no play would get far. */
		unsigned on = sim_stream_rnd(&s, 3) == 0, n = 1 + (unsigned)sim_stream_rnd(&s, knobs[i].most);

		p->most[i] = on ? n : 0;
	}
	p->most[KNOB_steps] = choose_steps(&s);
	p->most[KNOB_services] = (unsigned)sim_stream_rnd(&s, 4);
	p->most[KNOB_acts] = 6;
	p->most[KNOB_deaths] = (unsigned)sim_stream_rnd(&s, 7);
	if (p->most[KNOB_steps] > 30)
		p->most[KNOB_runs] = 0;
	if (p->scenario->sound_disk)
		p->most[KNOB_errors] = p->most[KNOB_full] = 0;
	if (!p->scenario->agent_may_die)
		p->most[KNOB_agents] = 0;
}

static int parse_knob(struct plan *p, const char *word, const char *value, struct wf_err *err)
{
	for (int i = 0; i < KNOB_COUNT; i++)
		if (strcmp(knobs[i].name, word) == 0 && value) {
			p->most[i] = (unsigned)strtoul(value, NULL, 10);
			return 0;
		}
	return wf_errf(err, WF_INVALID, "no '%s' in a plan", word);
}

/* Names of scenarios have blanks and commas: written with '-' for a blank. */
static int is_name(const char *name, const char *word)
{
	for (; *name && *word; name++, word++)
		if (*name != *word && !(*name == ' ' && *word == '-'))
			return 0;
	return !*name && !*word;
}

int plan_parse(struct plan *p, const char *line, struct wf_err *err)
{
	char *copy = wf_xstrdup(line), *save = NULL, *word = strtok_r(copy, " \t\n", &save);
	int rc = 0;

	memset(p, 0, sizeof(*p));
	if (!word || strcmp(word, "seed") != 0 || !(word = strtok_r(NULL, " \t\n", &save))) {
		free(copy);
		return wf_errf(err, WF_INVALID, "a plan begins with 'seed N'");
	}
	p->seed = strtoull(word, NULL, 10);
	word = strtok_r(NULL, " \t\n", &save);
	for (size_t i = 0; word && i < scenario_count; i++)
		if (is_name(scenarios[i].name, word))
			p->scenario = &scenarios[i];
	if (!word)
		plan_of_seed(p, p->seed);
	else if (!p->scenario)
		rc = wf_errf(err, WF_INVALID, "no scenario '%s'", word);
	while (rc == 0 && word && (word = strtok_r(NULL, " \t\n", &save)))
		rc = parse_knob(p, word, strtok_r(NULL, " \t\n", &save), err);
	free(copy);
	return rc;
}

void plan_text(const struct plan *p, struct wf_buf *b)
{
	wf_buf_printf(b, "seed %" PRIu64 " ", p->seed);
	for (const char *c = p->scenario->name; *c; c++)
		wf_buf_char(b, *c == ' ' ? '-' : *c);
	for (int i = 0; i < KNOB_COUNT; i++)
		if (p->most[i])
			wf_buf_printf(b, " %s %u", knobs[i].name, p->most[i]);
}
