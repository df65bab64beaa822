/* words.c - owns how tasks, attempts and services are put in few words; knows nothing of who asks. */
#include "engine/core/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wdf-schema/driver.h"

const char *words_name(const struct run *r, uint32_t instance, uint32_t index, char out[WORDS_NAME])
{
	if (instance >= r->dag->instance_count)
		snprintf(out, WORDS_NAME, "step %u", instance);
	else if (index == DAG_UNSIZED)
		snprintf(out, WORDS_NAME, "%s", r->dag->instances[instance].name);
	else
		dag_task_name(r->dag, instance, index, out, WORDS_NAME);
	return out;
}

void words_duration(struct wf_buf *b, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "min" }, { 1000, "s" } };

	if (ms < 1000) {
		wf_buf_printf(b, "%" PRId64 " ms", ms < 0 ? 0 : ms);
		return;
	}
	for (size_t i = 0; i < WF_COUNT(units); i++) {
		if (ms < units[i].ms)
			continue;
		wf_buf_printf(b, "%" PRId64 " %s", ms / units[i].ms, units[i].name);
		ms %= units[i].ms;
		if (i + 1 < WF_COUNT(units) && ms >= units[i + 1].ms)
			wf_buf_printf(b, " %" PRId64 " %s", ms / units[i + 1].ms, units[i + 1].name);
		return;
	}
}

void words_bytes(struct wf_buf *b, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 1024 && i + 1 < WF_COUNT(units)) {
		v /= 1024;
		i++;
	}
	wf_buf_printf(b, v < 10 && i ? "%.1f %s" : "%.0f %s", v, units[i]);
}

void words_cores(struct wf_buf *b, uint64_t thousandths)
{
	wf_buf_printf(b, "%" PRIu64, thousandths / 1000);
	if (thousandths % 1000)
		wf_buf_printf(b, ".%03u", (unsigned)(thousandths % 1000));
	while (thousandths % 1000 && b->data[b->len - 1] == '0')
		b->data[--b->len] = '\0';
}

/* ---- attempts and tasks ---------------------------------------------------------------------------- */

int words_has_exit(const struct wf_task *t)
{
	return t->state != WF_TASK_SKIPPED && t->astate == WF_ATTEMPT_ENDED && t->started_ms &&
	       (t->class == WF_CLASS_OK || t->class == WF_CLASS_EXIT || t->class == WF_CLASS_OUTPUT_MISSING ||
		t->class == WF_CLASS_SETUP_FAILED);
}

int words_has_signal(const struct wf_task *t)
{
	return t->state != WF_TASK_SKIPPED && t->astate == WF_ATTEMPT_ENDED && t->class == WF_CLASS_SIGNAL;
}

int words_attempt(struct wf_buf *b, const struct run *r, uint32_t instance, const struct wf_task *t)
{
	switch (t->class) {
	case WF_CLASS_OK:
		return 0;
	case WF_CLASS_EXIT:
		wf_buf_printf(b, "exit %d", t->exit);
		break;
	case WF_CLASS_SIGNAL:
		wf_buf_printf(b, "killed by signal %d", t->exit);
		break;
	case WF_CLASS_TIMEOUT:
		wf_buf_str(b, "timed out after ");
		words_duration(b, task_time_ms(r, instance, t));
		break;
	case WF_CLASS_OUT_OF_MEMORY:
		wf_buf_str(b, "out of memory");
		break;
	case WF_CLASS_OUTPUT_MISSING:
		wf_buf_str(b, "a declared output or result was not written");
		break;
	case WF_CLASS_OUTPUT_LIMIT:
		wf_buf_str(b, "wrote more output than its output_limit of ");
		words_bytes(b, r->wdf->steps[r->dag->instances[instance].step].output_limit);
		break;
	case WF_CLASS_SETUP_FAILED:
		wf_buf_printf(b, "setup failed with exit %d", t->exit);
		break;
	case WF_CLASS_LAUNCH_FAILED:
		wf_buf_str(b, "could not be started");
		break;
	case WF_CLASS_NODE_FAILURE:
		wf_buf_str(b, "its node failed");
		break;
	case WF_CLASS_AGENT_LOST:
		wf_buf_str(b, "lost with its agent");
		break;
	case WF_CLASS_SERVICE_FAILED:
		wf_buf_str(b, "a service it uses failed");
		break;
	case WF_CLASS_CANCELED_OUTSIDE:
		wf_buf_str(b, "ended by somebody outside");
		break;
	case WF_CLASS_INPUT_MISSING:
		wf_buf_str(b, "an input is missing");
		break;
	case WF_CLASS_TEMPLATE_REFUSED:
		wf_buf_str(b, "its command cannot be made from its values");
		break;
	default:
		for (const char *p = wf_class_name((enum wf_class)t->class); *p; p++)
			wf_buf_char(b, *p == '_' ? ' ' : *p);
	}
	return 1;
}

static void skip_reason(struct wf_buf *b, const struct run *r, const struct wf_task *t)
{
	char name[WORDS_NAME];
	uint32_t cause = t->pid, index = (uint32_t)t->exit;

	words_name(r, cause, index, name);
	switch (t->class) {
	case WF_SKIP_WHEN:
		wf_buf_str(b, "skipped: its `when` is false");
		return;
	case WF_SKIP_PARENT_FAILED:
		wf_buf_printf(b, "skipped: '%s' failed", name);
		if (index == DAG_UNSIZED && cause < r->inst_count && r->inst[cause].count > 1)
			wf_buf_printf(b, " (%u of %u tasks)", r->inst[cause].counts[WF_SEEN_FAILED], r->inst[cause].count);
		return;
	case WF_SKIP_PARENT_SKIPPED:
		/* A step without a size began it: its list was there, and of no use. */
		if (t->number < r->inst_count && r->dag->instances[t->number].count == DAG_UNSIZED)
			wf_buf_printf(b, "skipped: the list of '%s' cannot be used", r->dag->instances[t->number].name);
		else
			wf_buf_printf(b, "skipped: '%s' was skipped", name);
		return;
	case WF_SKIP_EMPTY:
		wf_buf_printf(b, "skipped: the fan-out of '%s' is empty", name);
		return;
	case WF_SKIP_NOT_NEEDED:
		wf_buf_printf(b, "skipped: it is for a failure of '%s', which did not fail", name);
		return;
	default:
		wf_buf_str(b, "skipped");
	}
}

int words_reason(struct wf_buf *b, const struct run *r, uint32_t instance, uint32_t index)
{
	const struct wf_task *t = &r->inst[instance].tasks[index];

	switch (t->state) {
	case WF_TASK_SKIPPED:
		skip_reason(b, r, t);
		return 1;
	case WF_TASK_FAILED:
		if (t->flags & WF_TASK_F_RESOLVED) {
			wf_buf_str(b, "a person said it failed");
			return 1;
		}
		return words_attempt(b, r, instance, t);
	case WF_TASK_HELD:
		wf_buf_str(b, "nobody can tell what became of its attempt");
		return 1;
	case WF_TASK_READY:
	case WF_TASK_CANCELED:
		return t->attempt && t->astate == WF_ATTEMPT_ENDED && t->ended_ms && words_attempt(b, r, instance, t);
	default:
		return 0;
	}
}

/* ---- many tasks --------------------------------------------------------------------------------------- */

const char *words_step_state(const struct instance *in)
{
	static const enum wf_seen busy[] = { WF_SEEN_HELD,	WF_SEEN_UNKNOWN, WF_SEEN_RUNNING,   WF_SEEN_CANCELING,
					     WF_SEEN_SUBMITTING, WF_SEEN_QUEUED,  WF_SEEN_SUSPENDED, WF_SEEN_READY };
	static const enum wf_seen over[] = { WF_SEEN_FAILED, WF_SEEN_CANCELED, WF_SEEN_SUCCEEDED, WF_SEEN_SKIPPED };

	for (size_t i = 0; i < WF_COUNT(busy); i++)
		if (in->counts[busy[i]])
			return wf_seen_name(busy[i]);
	if (in->counts[WF_SEEN_WAITING] || in->unsized)
		return wf_seen_name(WF_SEEN_WAITING);
	for (size_t i = 0; i < WF_COUNT(over); i++)
		if (in->counts[over[i]])
			return wf_seen_name(over[i]);
	return wf_seen_name(WF_SEEN_SKIPPED);
}

void words_counts(struct wf_buf *b, const uint32_t counts[WF_SEEN_STATES])
{
	static const enum wf_seen order[] = { WF_SEEN_FAILED,  WF_SEEN_HELD,	   WF_SEEN_UNKNOWN, WF_SEEN_SUCCEEDED, WF_SEEN_RUNNING,
					      WF_SEEN_QUEUED,  WF_SEEN_SUBMITTING, WF_SEEN_READY,   WF_SEEN_CANCELING, WF_SEEN_SUSPENDED,
					      WF_SEEN_WAITING, WF_SEEN_SKIPPED,	   WF_SEEN_CANCELED };
	const char *gap = "";

	for (size_t i = 0; i < WF_COUNT(order); i++) {
		if (!counts[order[i]])
			continue;
		wf_buf_printf(b, "%s%u %s", gap, counts[order[i]], wf_seen_name(order[i]));
		gap = ", ";
	}
}

/* ---- services ------------------------------------------------------------------------------------------- */

/* The probes of `ready:`, in few words: "probe resp", "probes file and resp". */
static void probes(struct wf_buf *b, const struct engine *e, const struct wdf_service *w)
{
	static const char *const kinds[] = { "exit", "tcp", "unix", "http", "resp", "file", "log", "exec", "mount", "op" };
	const struct wdf_driver *d = e->types ? wdf_types_find(e->types, w->type) : NULL;
	json_t *ready = json_object_get(w->spec, "ready"), *list, *probe;
	size_t i, found = 0;

	if (!ready && d)
		ready = json_object_get(d->verbs, "ready");
	list = json_object_get(ready, "all") ? json_object_get(ready, "all") : json_object_get(ready, "any");
	for (size_t k = 0; k < WF_COUNT(kinds); k++) {
		int there = json_object_get(ready, kinds[k]) != NULL;

		json_array_foreach(list, i, probe)
			there |= json_object_get(probe, kinds[k]) != NULL;
		if (there)
			wf_buf_printf(b, "%s%s", found++ ? " and " : "probe ", kinds[k]);
	}
	if (!found)
		wf_buf_str(b, "its readiness probe");
	wf_buf_str(b, json_object_get(ready, "any") && found > 1 ? " have not passed yet, one must" :
		      found > 1 ? " have not passed yet" : " has not passed yet");
}

static const struct wf_member *first_member(const struct run *r, uint32_t service)
{
	const struct service *s = &r->services[service];

	return s->s.target ? &r->members[s->first_member].m : NULL;
}

static void because(struct wf_buf *b, const char *reason)
{
	if (reason && *reason)
		wf_buf_printf(b, ": %s", reason);
}

static void starting(struct wf_buf *b, const struct engine *e, const struct run *r, uint32_t service)
{
	const struct service *s = &r->services[service];
	const struct wf_member *m = first_member(r, service);

	if (s->backoff == 1) {
		wf_buf_str(b, "is starting again after a back-off");
		because(b, s->s.reason);
	} else if (!m || m->state == WF_MEMBER_PENDING || m->state == WF_MEMBER_GONE) {
		wf_buf_str(b, "is starting: its process is being launched");
	} else {
		wf_buf_str(b, "is starting: ");
		probes(b, e, run_spec(r, service));
	}
}

void words_service(struct wf_buf *b, const struct engine *e, const struct run *r, uint32_t service)
{
	const struct wf_service *s = &r->services[service].s;
	const char *quote = r->dag->services[service].instance != DAG_UNSIZED ? "'" : "";

	switch (s->state) {
	case WF_SERVICE_DECLARED:
		wf_buf_str(b, run_spec(r, service)->after_count ? "is not started yet: what it comes after has to end first"
								    : "is not started yet");
		break;
	case WF_SERVICE_RESERVING:
		wf_buf_str(b, "waits for room");
		if (r->services[service].cores) {
			wf_buf_str(b, ": ");
			words_cores(b, r->services[service].cores);
			wf_buf_str(b, " cores");
		}
		break;
	case WF_SERVICE_STARTING:
		starting(b, e, r, service);
		break;
	case WF_SERVICE_READY:
		wf_buf_str(b, "is ready");
		break;
	case WF_SERVICE_DEGRADED:
		wf_buf_str(b, s->held ? "is held" : "is degraded");
		because(b, s->reason);
		if (s->held)
			wf_buf_printf(b, "; `wf resolve RUN %s%s%s --as rerun|failed` decides", quote, s->name, quote);
		break;
	case WF_SERVICE_STOPPED:
		wf_buf_str(b, "is stopped");
		break;
	case WF_SERVICE_FAILED:
		wf_buf_str(b, "failed");
		because(b, s->reason);
		break;
	case WF_SERVICE_LEAKED:
		wf_buf_str(b, "may have left a process behind");
		because(b, s->reason);
		break;
	case WF_SERVICE_DRAINING:
	case WF_SERVICE_SAVING:
	case WF_SERVICE_STOPPING:
		wf_buf_str(b, "is being stopped");
		if (s->failing)
			because(b, s->reason);
		break;
	default:
		wf_buf_printf(b, "is %s", wf_sm_name(&wf_service_machine, s->state));
	}
}

int words_service_troubled(const struct service *s)
{
	return s->s.state == WF_SERVICE_FAILED || s->s.state == WF_SERVICE_DEGRADED || s->s.state == WF_SERVICE_LEAKED ||
	       (s->s.failing && s->s.state != WF_SERVICE_STOPPED) || (s->s.state == WF_SERVICE_STARTING && s->s.restarts);
}
