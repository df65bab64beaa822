/* view_task.c - owns how tasks, attempts and lists of tasks look; reads the flat arrays, never more than a page of them is written.
 *
 * A page token is "instance.index": where to go on. A filter by state skips whole steps by their counters and stops in a step as soon as all
 * that match were found, so that a few failures among a million tasks are found without looking at each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/view_internal.h"
#include "engine/core/words.h"

enum { LOOK_MAX = 400 * 1000 };          /* tasks looked at for one answer */

const char *view_executor(const struct run *r, uint32_t instance)
{
	const char *own = r->wdf->steps[r->dag->instances[instance].step].executor;

	return own ? own : r->row.executor;
}

/* Local work runs where the agent is. */
static const char *host_of(const struct engine *e, const struct wf_task *t)
{
	if (!t->attempt || t->state == WF_TASK_WAITING)
		return NULL;
	return e->local.host && *e->local.host ? e->local.host : wf_host_name();
}

static const char *class_of(const struct wf_task *t)
{
	if (t->state == WF_TASK_SKIPPED || t->class == WF_CLASS_OK || t->state == WF_TASK_WAITING)
		return NULL;
	return wf_class_name((enum wf_class)t->class);
}

static void usage(struct wf_buf *out, const struct wf_task *t)
{
	if (t->astate != WF_ATTEMPT_ENDED || t->state == WF_TASK_SKIPPED || !t->started_ms) {
		jw_null(out, "usage");
		return;
	}
	jw_open(out, "usage", '{');
	jw_int(out, "cpu_ms", t->cpu_ms);
	jw_int(out, "max_rss_kib", t->max_rss_kib);
	jw_int(out, "read_bytes", (int64_t)t->read_kib * 1024);
	jw_int(out, "write_bytes", (int64_t)t->write_kib * 1024);
	jw_close(out, '}');
}

static void exits(struct wf_buf *out, const struct wf_task *t)
{
	if (words_has_exit(t))
		jw_int(out, "exit_code", t->exit);
	else
		jw_null(out, "exit_code");
	if (words_has_signal(t))
		jw_int(out, "signal", t->exit);
	else
		jw_null(out, "signal");
}

void view_task_open(struct engine *e, const struct run *r, uint32_t instance, uint32_t index, const char *reason, struct wf_buf *out)
{
	const struct dag_instance *di = &r->dag->instances[instance];
	const struct wf_task *t = &r->inst[instance].tasks[index];
	int shows_attempt = t->state >= WF_TASK_ACTIVE && t->state != WF_TASK_SKIPPED;
	char name[WORDS_NAME];
	struct wf_buf text = { 0 };

	jw_open(out, NULL, '{');
	jw_str(out, "id", words_name(r, instance, index, name));
	jw_str(out, "step", di->name);
	if (di->fans_out)
		jw_int(out, "index", index);
	else
		jw_null(out, "index");
	jw_str(out, "state", wf_seen_name(wf_task_seen(t)));
	jw_bool(out, "ahead", t->flags & WF_TASK_F_AHEAD);
	jw_int(out, "attempt", t->attempt);
	exits(out, t);
	jw_str(out, "class", class_of(t));
	if (reason)
		jw_str(out, "reason", reason);
	else if (words_reason(&text, r, instance, index))
		jw_str(out, "reason", text.data);
	else
		jw_null(out, "reason");
	wf_buf_release(&text);
	jw_str(out, "executor", view_executor(r, instance));
	jw_str(out, "host", host_of(e, t));
	if (t->state == WF_TASK_ACTIVE && t->pid)
		jw_int(out, "pid", t->pid);
	else
		jw_null(out, "pid");
	jw_time(out, "started_at", shows_attempt ? t->started_ms : 0);
	jw_time(out, "ended_at", t->state == WF_TASK_SKIPPED || shows_attempt ? t->ended_ms : 0);
	jw_int(out, "retries", t->retries);
	jw_int(out, "losses", t->losses);
	usage(out, t);
}

void wf_view_task(struct wf_view *v, struct run *r, uint32_t instance, uint32_t index, struct wf_buf *out)
{
	view_task_open(v->engine, r, instance, index, NULL, out);
	jw_close(out, '}');
	jw_end(out);
}

void view_attempt(struct engine *e, const struct run *r, uint32_t instance, uint32_t attempt, const struct wf_task *t, const char *reason,
		  struct wf_buf *out)
{
	struct wf_buf text = { 0 };
	int ended = t->astate == WF_ATTEMPT_ENDED;

	jw_open(out, NULL, '{');
	jw_int(out, "attempt", attempt);
	jw_str(out, "state", wf_sm_name(&wf_attempt_machine, t->astate));
	jw_str(out, "class", ended ? wf_class_name((enum wf_class)t->class) : NULL);
	exits(out, t);
	if (reason)
		jw_str(out, "reason", reason);
	else if (ended && words_attempt(&text, r, instance, t))
		jw_str(out, "reason", text.data);
	else
		jw_null(out, "reason");
	wf_buf_release(&text);
	jw_str(out, "host", host_of(e, t));
	jw_time(out, "started_at", t->started_ms);
	jw_time(out, "ended_at", t->ended_ms);
	usage(out, t);
	jw_open(out, "log", '{');
	if (ended)
		jw_int(out, "bytes", t->log_length);
	else
		jw_null(out, "bytes");
	jw_close(out, '}');
	jw_close(out, '}');
}

struct parents {
	const struct run *run;
	struct wf_buf *out;
};

static int view_parent(uint32_t instance, uint32_t index, const struct dag_dep *dep, void *arg)
{
	static const char *const results[] = { "success", "failure", "any", "start" };
	struct parents *p = arg;

	jw_open(p->out, NULL, '{');
	jw_str(p->out, "step", p->run->dag->instances[instance].name);
	if (index == DAG_UNSIZED || !p->run->dag->instances[instance].fans_out)
		jw_null(p->out, "index");
	else
		jw_int(p->out, "index", index);
	jw_str(p->out, "result", results[dep->result]);
	jw_close(p->out, '}');
	return 0;
}

void view_declared(const struct run *r, uint32_t instance, uint32_t index, struct wf_buf *out)
{
	const struct dag_instance *di = &r->dag->instances[instance];
	const struct wdf_step *step = &r->wdf->steps[di->step];
	struct parents p = { r, out };

	jw_int(out, "cores", (int64_t)(step->resources.cpus ? step->resources.cpus : 1) * (step->resources.ranks ? step->resources.ranks : 1));
	if (di->time_ms)
		jw_int(out, "time_ms", di->time_ms);
	else
		jw_null(out, "time_ms");
	if (step->labels)
		jw_json(out, "labels", step->labels);
	else
		wf_buf_str(out, "\"labels\":{},");
	jw_open(out, "parents", '[');
	dag_task_parents(r->dag, instance, index, view_parent, &p);
	jw_close(out, ']');
}

void view_counts(struct wf_buf *out, const char *key, const uint32_t counts[WF_SEEN_STATES], uint32_t total)
{
	jw_open(out, key, '{');
	for (int s = 0; s < WF_SEEN_STATES; s++)
		jw_int(out, wf_seen_name((enum wf_seen)s), counts[s]);
	jw_int(out, "total", total);
	jw_close(out, '}');
}

/* ---- filters ------------------------------------------------------------------------------------------ */

int view_names(const char *list, const char *what, const char *(*name_of)(unsigned i), unsigned count, uint64_t *set, struct wf_err *err)
{
	*set = 0;
	while (*list) {
		size_t n = strcspn(list, ",");
		unsigned i = 0;

		while (i < count && (strlen(name_of(i)) != n || memcmp(name_of(i), list, n) != 0))
			i++;
		if (i == count) {
			const char *names[64];
			char word[80];

			for (i = 0; i < count; i++)
				names[i] = name_of(i);
			snprintf(word, sizeof(word), "%.*s", (int)(n < sizeof(word) ? n : sizeof(word) - 1), list);
			if (wf_nearest(word, names, count))
				return wf_errf(err, WF_USAGE, "no %s '%s'; did you mean '%s'?", what, word, wf_nearest(word, names, count));
			return wf_errf(err, WF_USAGE, "no %s '%s'", what, word);
		}
		*set |= (uint64_t)1 << i;
		list += n + (list[n] == ',');
	}
	return 0;
}

int view_number_of(const char *text, uint64_t max, uint64_t *n, struct wf_err *err)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 20; i++)
		if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v))
			break;
	if (!i || text[i] || v > max)
		return wf_errf(err, WF_USAGE, "'%.40s' is not a number from 0 to %" PRIu64, text, max);
	*n = v;
	return 0;
}

static const char *seen_name(unsigned i)
{
	return wf_seen_name((enum wf_seen)i);
}

static const char *class_name(unsigned i)
{
	return wf_class_name((enum wf_class)i);
}

struct cursor {
	uint32_t instance, index;
};

static int token_of(const char *text, struct cursor *at, struct wf_err *err)
{
	char digits[24];
	size_t n = text ? strcspn(text, ".") : 0;
	uint64_t instance, index;

	*at = (struct cursor){ 0 };
	if (!text || !*text)
		return 0;
	snprintf(digits, sizeof(digits), "%.*s", (int)(n < sizeof(digits) ? n : sizeof(digits) - 1), text);
	if (text[n] != '.' || view_number_of(digits, UINT32_MAX, &instance, NULL) < 0 ||
	    view_number_of(text + n + 1, UINT32_MAX, &index, NULL) < 0)
		return wf_errf(err, WF_USAGE, "'%.40s' is not a page_token of this list", text);
	at->instance = (uint32_t)instance;
	at->index = (uint32_t)index;
	return 0;
}

struct search {
	uint64_t states, classes;      /* bit sets; 0: any */
	uint32_t left;                 /* items that still fit */
	uint32_t look;                 /* tasks that may still be looked at */
};

static int matches(const struct search *s, const struct wf_task *t)
{
	if (s->states && !(s->states >> wf_task_seen(t) & 1))
		return 0;
	return !s->classes || (class_of(t) && s->classes >> t->class & 1);
}

/* How many of the step's tasks can match, from its counters alone. */
static uint32_t hopeful(const struct search *s, const struct instance *in)
{
	uint32_t n = 0;

	if (!s->states)
		return in->count;
	for (int i = 0; i < WF_SEEN_STATES; i++)
		if (s->states >> i & 1)
			n += in->counts[i];
	return n;
}

/* Tasks of one step from `index` on; where to go on, or the step's count. Begun in the middle, some that match may lie before: then there is
 * hope to the end, which costs time but misses nothing. */
static uint32_t list_step(struct engine *e, struct run *r, uint32_t instance, uint32_t index, struct search *s, struct wf_buf *out)
{
	const struct instance *in = &r->inst[instance];
	uint32_t hope = hopeful(s, in);

	while (index < in->count && hope && s->left && s->look) {
		s->look--;
		if (matches(s, &in->tasks[index])) {
			view_task_open(e, r, instance, index, NULL, out);
			jw_close(out, '}');
			s->left--;
			hope--;
		}
		index++;
	}
	return hope ? index : in->count;
}

int wf_view_tasks(struct wf_view *v, struct run *r, const struct wf_task_filter *f, struct wf_buf *out, struct wf_err *err)
{
	struct search s = { .left = f->page_size, .look = LOOK_MAX };
	struct cursor at;
	char token[48];

	if ((f->states && view_names(f->states, "state", seen_name, WF_SEEN_STATES, &s.states, err) < 0) ||
	    (f->classes && view_names(f->classes, "class", class_name, WF_CLASS_COUNT, &s.classes, err) < 0) ||
	    token_of(f->page_token, &at, err) < 0)
		return -1;
	jw_open(out, NULL, '{');
	jw_open(out, "items", '[');
	for (; at.instance < r->inst_count; at.instance++, at.index = 0) {
		if (f->step && strcmp(r->dag->instances[at.instance].name, f->step) != 0)
			continue;
		at.index = list_step(v->engine, r, at.instance, at.index, &s, out);
		if (at.index < r->inst[at.instance].count)
			break;
	}
	jw_close(out, ']');
	snprintf(token, sizeof(token), "%u.%u", at.instance, at.index);
	jw_str(out, "next", at.instance < r->inst_count ? token : NULL);
	jw_close(out, '}');
	jw_end(out);
	return 0;
}

int wf_view_find_task(const struct run *r, const char *name, uint32_t *instance, uint32_t *index, struct wf_err *err)
{
	uint32_t i, k;

	if (dag_task_find(r->dag, name, &i, &k, err) < 0)
		return -1;
	if (k == DAG_UNSIZED) {
		if (r->inst[i].count != 1)
			return wf_errf(err, WF_NOT_FOUND, "'%s' has %u tasks; name one as '%s[index]'", name, r->inst[i].count, name);
		k = 0;
	}
	if (k >= r->inst[i].count)
		return wf_errf(err, WF_NOT_FOUND, "no task '%s': '%s' has %u tasks", name, r->dag->instances[i].name, r->inst[i].count);
	*instance = i;
	*index = k;
	return 0;
}
