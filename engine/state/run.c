/* run.c - the machine of a run; knows nothing of its tasks.
 *
 *   pending --admitted--> running <--paused/resumed--> paused
 *      |                     |                            |
 *      |                  closing <-----------------------+
 *      |                     |  succeeded | failed                retried: failed, canceled --> running
 *      +---- cancel_requested (from all of them) --> canceling --> canceled
 *
 * pending    waits for admission: an agent that said what it can do, the site's limits
 * running    waits for its tasks
 * paused     waits for a person; what runs goes on, nothing starts
 * canceling  waits for its attempts and services to end
 * closing    every task has ended; waits for its services to end
 * succeeded, failed, canceled  wait for nothing
 *
 * Invariant: ended_ms is set exactly in the three last; `cancel` is set from cancel_requested to retried.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/state/sm_internal.h"
#include "engine/state/things.h"

static const char *const states[] = {
	[WF_RUN_PENDING] = "pending",     [WF_RUN_RUNNING] = "running",
	[WF_RUN_PAUSED] = "paused",       [WF_RUN_CANCELING] = "canceling",
	[WF_RUN_CLOSING] = "closing",     [WF_RUN_SUCCEEDED] = "succeeded",
	[WF_RUN_FAILED_] = "failed",      [WF_RUN_CANCELED_] = "canceled",
};

static const struct wf_move moves[] = {
	{ WF_RUN_PENDING,   WF_E_RUN_SUBMITTED, WF_SM_SAME },
	{ WF_RUN_PENDING,   WF_E_RUN_ADMITTED,  WF_RUN_RUNNING },
	{ WF_RUN_PENDING,   WF_E_RUN_CANCELING, WF_RUN_CANCELING },
	{ WF_RUN_RUNNING,   WF_E_RUN_PAUSED,    WF_RUN_PAUSED },
	{ WF_RUN_RUNNING,   WF_E_RUN_CANCELING, WF_RUN_CANCELING },
	{ WF_RUN_RUNNING,   WF_E_RUN_CLOSING,   WF_RUN_CLOSING },
	{ WF_RUN_RUNNING,   WF_E_RUN_LIST_FAILED, WF_SM_SAME },
	{ WF_RUN_PAUSED,    WF_E_RUN_LIST_FAILED, WF_SM_SAME },
	{ WF_RUN_PAUSED,    WF_E_RUN_RESUMED,   WF_RUN_RUNNING },
	{ WF_RUN_PAUSED,    WF_E_RUN_CANCELING, WF_RUN_CANCELING },
	{ WF_RUN_PAUSED,    WF_E_RUN_CLOSING,   WF_RUN_CLOSING },
	{ WF_RUN_CLOSING,   WF_E_RUN_CANCELING, WF_RUN_CANCELING },
	{ WF_RUN_CLOSING,   WF_E_RUN_SUCCEEDED, WF_RUN_SUCCEEDED },
	{ WF_RUN_CLOSING,   WF_E_RUN_FAILED,    WF_RUN_FAILED_ },
	{ WF_RUN_CANCELING, WF_E_RUN_CANCELED,  WF_RUN_CANCELED_ },
	{ WF_RUN_FAILED_,   WF_E_RUN_RETRIED,   WF_RUN_RUNNING },
	{ WF_RUN_CANCELED_, WF_E_RUN_RETRIED,   WF_RUN_RUNNING },
};

const struct wf_machine wf_run_machine = {
	.name = "run",
	.states = states,
	.state_count = WF_RUN_STATES,
	.moves = moves,
	.move_count = WF_COUNT(moves),
};

int wf_run_update(struct wf_run *r, const struct wf_event *e, struct wf_err *err)
{
	int to = sm_move(&wf_run_machine, r->state, e, err);

	if (to < 0)
		return -1;
	if (e->kind == WF_E_RUN_SUBMITTED) {
		json_t *facts = wf_json_parse(e->text[0].p, e->text[0].n, err);

		if (!facts)
			return -1;
		if (wf_run_from_facts(r, facts, err) < 0) {
			json_decref(facts);
			return -1;
		}
		json_decref(facts);
		r->created_ms = e->at;
	}
	r->state = (uint8_t)to;
	switch (e->kind) {
	case WF_E_RUN_ADMITTED:
		r->started_ms = e->at;
		break;
	case WF_E_RUN_CANCELING:
		r->cancel = 1;
		break;
	case WF_E_RUN_SUCCEEDED:
	case WF_E_RUN_FAILED:
	case WF_E_RUN_CANCELED:
		r->ended_ms = e->at;
		r->succeeded = (uint32_t)e->v[0];
		r->failed = (uint32_t)e->v[1];
		r->skipped = (uint32_t)e->v[2];
		r->canceled = (uint32_t)e->v[3];
		break;
	case WF_E_RUN_LIST_FAILED:
		r->list_failed = 1;
		break;
	case WF_E_RUN_RETRIED:
		r->cancel = 0;
		r->list_failed = 0;
		r->retries++;
		r->ended_ms = 0;
		if (!r->started_ms)
			r->started_ms = e->at;
		break;
	}
	r->seq = e->seq;
	return 0;
}

int wf_run_is_over(const struct wf_run *r)
{
	return r->state >= WF_RUN_SUCCEEDED;
}

void wf_run_release(struct wf_run *r)
{
	free(r->name);
	free(r->workflow);
	free(r->file);
	free(r->key);
	free(r->body_hash);
	free(r->executor);
	free(r->executor_why);
	free(r->workdir);
	free(r->limits);
	memset(r, 0, sizeof(*r));
}

/* Every string fact of a run, once: name in JSON and place in the struct. */
static const struct {
	const char *name;
	size_t offset;
} facts_of[] = {
	{ "name", offsetof(struct wf_run, name) },
	{ "workflow", offsetof(struct wf_run, workflow) },
	{ "file", offsetof(struct wf_run, file) },
	{ "key", offsetof(struct wf_run, key) },
	{ "body_hash", offsetof(struct wf_run, body_hash) },
	{ "executor", offsetof(struct wf_run, executor) },
	{ "executor_why", offsetof(struct wf_run, executor_why) },
	{ "workdir", offsetof(struct wf_run, workdir) },
	{ "limits", offsetof(struct wf_run, limits) },
};

json_t *wf_run_facts(const struct wf_run *r)
{
	char id[WF_ID_TEXT + 1];
	json_t *o = json_object();

	wf_id_text(&r->id, id);
	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "umask", json_integer(r->umask_bits));
	for (size_t i = 0; i < WF_COUNT(facts_of); i++) {
		const char *s = *(char *const *)((const char *)r + facts_of[i].offset);

		if (s)
			json_object_set_new(o, facts_of[i].name, wf_json_text(s, strlen(s)));
	}
	return o;
}

int wf_run_from_facts(struct wf_run *r, json_t *o, struct wf_err *err)
{
	const char *id = NULL;
	int64_t bits = 022;

	if (wf_json_str(o, "id", 1, &id, err) < 0 || wf_json_int(o, "umask", 0, &bits, err) < 0)
		return -1;
	if (wf_id_parse(&r->id, id) < 0)
		return wf_errf(err, WF_CORRUPT, "'%s' is not a run id", id);
	r->umask_bits = (uint32_t)bits;
	for (size_t i = 0; i < WF_COUNT(facts_of); i++) {
		char **s = (char **)((char *)r + facts_of[i].offset);
		const char *v = NULL;

		if (wf_json_str(o, facts_of[i].name, 0, &v, err) < 0)
			return -1;
		free(*s);
		*s = v ? wf_xstrdup(v) : NULL;
	}
	return 0;
}
