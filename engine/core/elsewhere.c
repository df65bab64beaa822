/* elsewhere.c - owns the knowledge which attempts the agent of another host has, and what follows for them when this host takes over.
 *
 * Attempt numbers rise, and every engine says where it is before it gives out the first: so the number tells the host. This host's
 * agent knows nothing of the others' attempts, and its "never heard of" would be taken for proof; so it is not asked. They are unknown
 * (design.md 5b), and the step's on_unknown decides; their services are held (services.c). Back on their host, they are asked for again.
 *
 * It tells the boot of the host as well, and so whether the monotonic clock still counts from where it did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/core/engine.h"

struct stay {
	uint64_t after;                /* numbers above this one, until the next stay */
	char *host, *boot;             /* boot: "" when it was not said */
};

/* Takes over the texts. */
static void stay(struct engine *e, uint64_t number, char *host, char *boot)
{
	struct stay *last = e->stay_count ? &e->stays[e->stay_count - 1] : NULL;

	if (last && strcmp(last->host, host) == 0 && strcmp(last->boot, boot) == 0) {
		free(host);
		free(boot);
		return;
	}
	e->stays = wf_grow(e->stays, &e->stay_cap, e->stay_count + 1, sizeof(*e->stays));
	e->stays[e->stay_count++] = (struct stay){ number, host, boot };
}

static void on_engine(void *arg, uint64_t number, const struct wf_event *started)
{
	stay(arg, number, wf_xstrndup(started->text[0].p, started->text[0].n),
	     wf_xstrndup(started->text[1].p ? started->text[1].p : "", started->text[1].n));
}

int elsewhere_load(struct engine *e, struct wf_err *err)
{
	if (wf_store_get_engines(e->store, on_engine, e, err) < 0)
		return -1;
	/* And now we are here. */
	stay(e, wf_store_last_attempt(e->store), wf_xstrdup(wf_host_name()), wf_xstrdup(wf_host_boot_id()));
	return 0;
}

void elsewhere_release(struct engine *e)
{
	for (size_t i = 0; i < e->stay_count; i++) {
		free(e->stays[i].host);
		free(e->stays[i].boot);
	}
	free(e->stays);
}

int since_boot(const struct engine *e, uint64_t number)
{
	const struct stay *last = e->stay_count ? &e->stays[e->stay_count - 1] : NULL;

	return last && number > last->after && *last->boot;
}

const char *elsewhere(const struct engine *e, uint64_t number)
{
	for (size_t i = e->stay_count; i-- > 0;)
		if (number > e->stays[i].after)
			return strcmp(e->stays[i].host, wf_host_name()) == 0 ? NULL : e->stays[i].host;
	return NULL;
}

static void say(char *why, size_t size, const char *host)
{
	snprintf(why, size, "it was started on host '%.100s', from which this engine took over; whether it runs there cannot be told from here", host);
}

static uint32_t doubt_tasks(struct engine *e, struct run *r)
{
	uint32_t n = 0;
	char why[256];

	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; r->inst[i].active && k < r->inst[i].count; k++) {
			const struct wf_task *t = &r->inst[i].tasks[k];
			const char *host = t->state == WF_TASK_ACTIVE ? elsewhere(e, t->number) : NULL;

			if (!host || wf_sm_next(&wf_attempt_machine, t->astate, WF_E_ATTEMPT_UNKNOWN) < 0)
				continue;
			say(why, sizeof(why), host);
			core_post_text(e, r, WF_E_ATTEMPT_UNKNOWN, i, k, (int64_t)t->number, why);
			n++;
		}
	return n;
}

void elsewhere_doubt(struct engine *e)
{
	uint32_t tasks = 0;

	e->cause = 0;
	for (size_t i = 0; i < e->live_count; i++)
		tasks += doubt_tasks(e, e->live[i]);
	if (tasks)
		wf_log(WF_LOG_WARN, "%u tasks were left on another host: unknown", tasks);
}
