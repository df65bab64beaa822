/* executable.c - owns the list of what is valid but not carried out by this version: one sentence for each thing, so
 * that nothing is ever ignored in silence. What a driver cannot do, driver.c says. Whoever implements an entry removes
 * it here and its line in the manual. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/diag.h"
#include "wdf-schema/driver.h"
#include "wdf-schema/wdf.h"

/* A thing is said once, of the first step or service that has it, with how many others do. */
#define THINGS(X)                                                                                                      \
	X(COMPONENTS, NOT_YET, "several parts started together ('components') are not executed yet")                  \
	X(CALL, NOT_YET, "calling another workflow ('call') is not executed yet")                                      \
	X(MOVE, NOT_YET, "moving data ('move') is not executed yet")                                                   \
	X(CONTAINER, NOT_YET, "running in a container ('container') is not executed yet")                             \
	X(PACK, NOT_YET, "packing tasks into one allocation ('pack') is not executed yet")                            \
	X(RANKS, NOT_YET, "more than one rank ('ranks', MPI) is not executed yet")                                     \
	X(NODES, NOT_YET, "more than one node ('nodes') is not executed yet")                                          \
	X(GPUS, NOT_YET, "GPUs ('gpus') are not assigned yet")                                                         \
	X(SBATCH, NOT_YET, "a batch script of your own ('sbatch') is not executed yet")                                \
	X(MOVERS, NOT_YET, "datamovers are not executed yet")                                                          \
	X(SCOPE, NOT_YET, "a service that outlives its run ('scope' session or user) is not executed yet")            \
	X(NARROWER, NOT_YET, "coming after a service that is there anew for each step or task ('scope'), from a wider scope, is not executed") \
	X(MANUAL, NOT_YET, "starting a service by hand ('start: manual') needs a session, which is not executed yet") \
	X(MEMBERS, NOT_YET, "more than one member ('members') is not executed yet")                                    \
	X(PLACEMENT, NOT_YET, "placing a service ('placement') is not executed yet")                                   \
	X(HANDOVER, NOT_YET, "handing over at the end of an allocation ('walltime: handover') is not executed yet")   \
	X(SLURM, W_UNUSED, "'slurm' is unused on executor local")                                                      \
	X(LOCATION, W_UNUSED, "'location' is unused on executor local")                                                \
	X(EXCLUSIVE, W_UNUSED, "'exclusive' is unused on executor local")                                              \
	X(STORAGE, W_UNUSED, "'storage' is unused on executor local")

enum thing {
#define X(sym, code, text) sym,
	THINGS(X)
#undef X
	THING_COUNT
};

static const struct {
	enum wdf_code code;
	const char *text;
} things[] = {
#define X(sym, code, text) { WDF_##code, text },
	THINGS(X)
#undef X
};

struct judge {
	const struct wdf *w;
	const struct wdf_types *types;
	struct wdf_diags *d;
	int local;
	struct {
		const char *kind, *name; /* the first that has it */
		struct wdf_pos pos;
		uint32_t count;
	} seen[THING_COUNT];
};

static void note(struct judge *j, int has, enum thing t, const char *kind, const char *name, struct wdf_pos pos)
{
	if (!has)
		return;
	if (!j->seen[t].count++) {
		j->seen[t].kind = kind;
		j->seen[t].name = name;
		j->seen[t].pos = pos;
	}
}

static void judge_step(struct judge *j, const struct wdf_step *s)
{
	const struct wdf_resources *r = &s->resources;
	int local = s->executor ? strcmp(s->executor, "local") == 0 : j->local, movers = 0;
	const struct {
		int has;
		enum thing thing;
	} found[] = {
		{ s->components != NULL, COMPONENTS },
		{ s->call != NULL, CALL },
		{ s->move != NULL, MOVE },
		{ s->container != NULL, CONTAINER },
		{ s->pack != NULL, PACK },
		{ r->ranks > 1, RANKS },
		{ r->nodes > 1, NODES },
		{ r->gpus > 0, GPUS },
		{ s->command && s->command->kind == WDF_COMMAND_SBATCH, SBATCH },
		{ local && s->slurm, SLURM },
		{ local && s->location, LOCATION },
		{ local && r->exclusive, EXCLUSIVE },
		{ local && r->storage, STORAGE },
	};

	for (size_t i = 0; i < WF_COUNT(found); i++)
		note(j, found[i].has, found[i].thing, "step", s->name, s->pos);
	for (uint32_t i = 0; i < s->use_count; i++)
		movers |= s->uses[i].mover_count > 0 && json_array_size(j->w->services[s->uses[i].service].datamovers) > 0;
	note(j, movers, MOVERS, "step", s->name, s->pos);
}

static void judge_driver(struct judge *j, const struct wdf_service *s)
{
	const struct wdf_driver *driver = j->types && s->type ? wdf_types_find(j->types, s->type) : NULL;
	const char *sentence = driver ? wdf_driver_refusal(driver) : NULL;
	json_t *verbs;
	char *text;

	if (!driver)
		return;
	if (sentence) {
		wdf_find(j->d, WDF_NOT_YET, s->pos, 1, "service '%s': %s", s->name, sentence);
		return;
	}
	verbs = wdf_driver_overlay(driver, s->spec);
	text = verbs ? wdf_driver_verbs_refusal(driver->type, verbs) : NULL;
	if (text)
		wdf_find(j->d, WDF_NOT_YET, s->pos, 1, "service '%s': %s", s->name, text);
	free(text);
	json_decref(verbs);
}

/* From far to near: of what a wider one comes after, it could not be said which is meant. */
static int width(enum wdf_scope_of scope)
{
	return scope == WDF_SCOPE_TASK ? 0 : scope == WDF_SCOPE_STEP ? 1 : 2;
}

static int comes_after_narrower(const struct wdf *w, const struct wdf_service *s)
{
	for (uint32_t i = 0; i < s->after_count; i++)
		if (s->after[i].service != UINT32_MAX && width(w->services[s->after[i].service].scope) < width(s->scope))
			return 1;
	return 0;
}

static void judge_service(struct judge *j, const struct wdf_service *s)
{
	const struct wdf_resources *r = &s->resources;
	int local = s->executor ? strcmp(s->executor, "local") == 0 : j->local;
	const struct {
		int has;
		enum thing thing;
	} found[] = {
		{ s->scope == WDF_SCOPE_SESSION || s->scope == WDF_SCOPE_USER, SCOPE },
		{ comes_after_narrower(j->w, s), NARROWER },
		{ s->start == WDF_START_MANUAL, MANUAL },
		{ s->target > 1, MEMBERS },
		{ s->placement != NULL, PLACEMENT },
		{ s->walltime && strcmp(s->walltime, "handover") == 0, HANDOVER },
		{ json_array_size(s->datamovers) > 0, MOVERS },
		{ r->ranks > 1, RANKS },
		{ r->nodes > 1, NODES },
		{ r->gpus > 0, GPUS },
		{ local && s->slurm, SLURM },
		{ local && s->location, LOCATION },
		{ local && r->exclusive, EXCLUSIVE },
		{ local && r->storage, STORAGE },
	};

	judge_driver(j, s);
	for (size_t i = 0; i < WF_COUNT(found); i++)
		note(j, found[i].has, found[i].thing, "service", s->name, s->pos);
}

static void say(struct judge *j)
{
	for (int t = 0; t < THING_COUNT; t++) {
		char others[32] = "";

		if (j->seen[t].count > 1)
			snprintf(others, sizeof(others), " and %u more", j->seen[t].count - 1);
		if (j->seen[t].count)
			wdf_find(j->d, things[t].code, j->seen[t].pos, 1, "%s '%s'%s: %s", j->seen[t].kind, j->seen[t].name,
				 others, things[t].text);
	}
}

int wdf_executable(const struct wdf *w, const char *executor, const struct wdf_types *types, struct wdf_diags *d)
{
	struct judge j = { .w = w, .types = types, .d = d, .local = !executor || strcmp(executor, "slurm") != 0 };
	size_t before = d->errors;

	if (w->datasets)
		wdf_find(d, WDF_NOT_YET, w->datasets_pos, 1, "'datasets' are not executed yet");
	for (uint32_t i = 0; i < w->service_count; i++)
		judge_service(&j, &w->services[i]);
	for (uint32_t i = 0; i < w->step_count; i++)
		judge_step(&j, &w->steps[i]);
	say(&j);
	return d->errors > before ? -1 : 0;
}
