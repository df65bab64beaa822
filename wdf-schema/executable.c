/* executable.c - owns the list of what is valid but not carried out by this version: one sentence each, so that nothing is ever ignored
 * in silence. What a driver cannot do, driver.c says. Whoever implements an entry removes it here and its line in the manual. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/diag.h"
#include "wdf-schema/driver.h"
#include "wdf-schema/wdf.h"

struct judge {
	const struct wdf *w;
	const struct wdf_types *types;
	struct wdf_diags *d;
	int local;
};

#define REFUSE(j, pos, ...) wdf_find((j)->d, WDF_NOT_YET, pos, 1, __VA_ARGS__)

static void judge_uses(struct judge *j, const struct wdf_step *s)
{
	for (uint32_t i = 0; i < s->use_count; i++)
		if (s->uses[i].mover_count)
			REFUSE(j, s->uses[i].pos, "step '%s': datamovers are not executed yet", s->name);
}

static void judge_step(struct judge *j, const struct wdf_step *s)
{
	const struct wdf_resources *r = &s->resources;
	int local = s->executor ? strcmp(s->executor, "local") == 0 : j->local;

	if (s->components)
		REFUSE(j, s->pos, "step '%s': components (several parts started together) are not executed yet", s->name);
	if (s->call)
		REFUSE(j, s->pos, "step '%s': calling another workflow ('call') is not executed yet", s->name);
	if (s->move)
		REFUSE(j, s->pos, "step '%s': moving data ('move') is not executed yet", s->name);
	if (s->container)
		REFUSE(j, s->pos, "step '%s': containers are not executed yet", s->name);
	if (s->pack)
		REFUSE(j, s->pos, "step '%s': packing tasks into one allocation ('pack') is not executed yet", s->name);
	if (r->ranks > 1)
		REFUSE(j, s->pos, "step '%s': %u ranks: starting several ranks (MPI) is not executed yet", s->name, r->ranks);
	if (r->nodes > 1)
		REFUSE(j, s->pos, "step '%s': %u nodes: tasks on more than one node are not executed yet", s->name, r->nodes);
	if (r->gpus)
		REFUSE(j, s->pos, "step '%s': %u gpus: GPUs are not assigned yet", s->name, r->gpus);
	if (s->command && s->command->kind == WDF_COMMAND_SBATCH)
		REFUSE(j, s->pos, "step '%s': a batch script of your own (sbatch) is not executed yet", s->name);
	judge_uses(j, s);
	if (!local)
		return;
	if (s->slurm)
		wdf_find(j->d, WDF_W_UNUSED, s->pos, 1, "step '%s': 'slurm' is unused on executor local", s->name);
	if (s->location)
		wdf_find(j->d, WDF_W_UNUSED, s->pos, 1, "step '%s': 'location' is unused on executor local", s->name);
	if (r->exclusive)
		wdf_find(j->d, WDF_W_UNUSED, s->pos, 1, "step '%s': 'exclusive' is unused on executor local", s->name);
	if (r->storage)
		wdf_find(j->d, WDF_W_UNUSED, s->pos, 1, "step '%s': 'storage' is unused on executor local", s->name);
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
		REFUSE(j, s->pos, "service '%s': %s", s->name, sentence);
		return;
	}
	verbs = wdf_driver_overlay(driver, s->spec);
	text = verbs ? wdf_driver_verbs_refusal(driver->type, verbs) : NULL;
	if (text)
		REFUSE(j, s->pos, "service '%s': %s", s->name, text);
	free(text);
	json_decref(verbs);
}

static void judge_service(struct judge *j, const struct wdf_service *s)
{
	int local = s->executor ? strcmp(s->executor, "local") == 0 : j->local;

	judge_driver(j, s);
	if (s->scope == WDF_SCOPE_SESSION || s->scope == WDF_SCOPE_USER)
		REFUSE(j, s->pos, "service '%s': a service that outlives its run ('scope: %s') is not executed yet", s->name,
		       s->scope == WDF_SCOPE_USER ? "user" : "session");
	if (s->start == WDF_START_MANUAL)
		REFUSE(j, s->pos, "service '%s': starting by hand ('start: manual') needs a session, which is not executed yet",
		       s->name);
	if (s->target > 1)
		REFUSE(j, s->pos, "service '%s': %u members: services of more than one member are not executed yet", s->name,
		       s->target);
	if (s->placement)
		REFUSE(j, s->pos, "service '%s': placement on %s is not executed yet", s->name, s->placement);
	if (s->walltime && strcmp(s->walltime, "handover") == 0)
		REFUSE(j, s->pos, "service '%s': handing over at the end of an allocation ('walltime: handover') is not executed yet",
		       s->name);
	if (json_array_size(s->datamovers))
		REFUSE(j, s->pos, "service '%s': datamovers are not executed yet", s->name);
	if (s->resources.gpus || s->resources.nodes > 1 || s->resources.ranks > 1)
		REFUSE(j, s->pos, "service '%s': gpus, and nodes and ranks above 1, are not executed yet", s->name);
	if (!local)
		return;
	if (s->slurm)
		wdf_find(j->d, WDF_W_UNUSED, s->pos, 1, "service '%s': 'slurm' is unused on executor local", s->name);
	if (s->location)
		wdf_find(j->d, WDF_W_UNUSED, s->pos, 1, "service '%s': 'location' is unused on executor local", s->name);
	if (s->resources.exclusive)
		wdf_find(j->d, WDF_W_UNUSED, s->pos, 1, "service '%s': 'exclusive' is unused on executor local", s->name);
	if (s->resources.storage)
		wdf_find(j->d, WDF_W_UNUSED, s->pos, 1, "service '%s': 'storage' is unused on executor local", s->name);
}

int wdf_executable(const struct wdf *w, const char *executor, const struct wdf_types *types, struct wdf_diags *d)
{
	struct judge j = { .w = w, .types = types, .d = d, .local = !executor || strcmp(executor, "slurm") != 0 };
	size_t before = d->errors;

	if (w->datasets)
		REFUSE(&j, ((struct wdf_pos){ 0, 0 }), "datasets are not executed yet");
	for (uint32_t i = 0; i < w->service_count; i++)
		judge_service(&j, &w->services[i]);
	for (uint32_t i = 0; i < w->step_count; i++)
		judge_step(&j, &w->steps[i]);
	return d->errors > before ? -1 : 0;
}
