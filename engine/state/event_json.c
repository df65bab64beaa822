/* event_json.c - owns how an event looks in the API: names of the table instead of positions, words
 * instead of stored numbers.
 *
 * Knows nothing of the names of runs and steps; the caller gives them.
 */
#include <string.h>

#include "engine/base/class.h"
#include "engine/base/json.h"
#include "engine/state/event.h"
#include "engine/state/things.h"

/* Length of the name at s, which ends at a comma or at the end of the list. */
static size_t name_length(const char *s)
{
	return strcspn(s, ",");
}

static const char *next_name(const char *s)
{
	s += name_length(s);
	return *s ? s + 1 : s;
}

static int is(const char *name, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(name, word, n) == 0;
}

static json_t *resolve_word(int64_t as)
{
	static const char *const words[] = { "succeeded", "failed", "rerun" };

	return as >= 0 && as < (int64_t)WF_COUNT(words) ? json_string(words[as]) : json_integer(as);
}

static json_t *mode_word(int64_t mode)
{
	static const char *const words[] = { "RW", "RO", "WO" };

	return mode >= 0 && mode < (int64_t)WF_COUNT(words) ? json_string(words[mode])
							    : json_integer(mode);
}

static json_t *field_value(const char *name, size_t n, int64_t v)
{
	if (is(name, n, "class"))
		return json_string(wf_class_name((enum wf_class)v));
	if (is(name, n, "why"))
		return json_string(wf_skip_name((enum wf_skip_why)v));
	if (is(name, n, "as"))
		return resolve_word(v);
	if (is(name, n, "mode"))
		return mode_word(v);
	return json_integer(v);
}

/* Texts that hold JSON are shown as what they hold; people's words stay words, whatever they
 * look like. */
static json_t *text_value(const char *name, size_t n, const char *p, size_t size)
{
	static const char *const structured[] = { "facts", "values", "result", "endpoint",
						  "provides" };
	json_t *v = NULL;

	for (size_t i = 0; i < WF_COUNT(structured) && !v; i++)
		if (is(name, n, structured[i]))
			v = wf_json_parse(p, size, NULL);
	return v ? v : wf_json_text(p, size);
}

static void set_named(json_t *o, const char *name, json_t *v)
{
	char key[32];

	WF_ASSERT(name_length(name) < sizeof(key));
	memcpy(key, name, name_length(name));
	key[name_length(name)] = '\0';
	json_object_set_new(o, key, v);
}

static json_t *known_data(const struct wf_event *e, const struct wf_event_info *info)
{
	const char *name = info->fields;
	json_t *data = json_object();

	for (size_t i = 0; i < info->field_count; i++, name = next_name(name))
		set_named(data, name, field_value(name, name_length(name), e->v[i]));
	name = info->texts;
	for (size_t i = 0; i < info->text_count; i++, name = next_name(name))
		if (e->text[i].n)
			set_named(data, name,
				  text_value(name, name_length(name), e->text[i].p, e->text[i].n));
	return data;
}

/* A kind of a later build: what it carries, by position. */
static json_t *unknown_data(const struct wf_event *e)
{
	json_t *data = json_object(), *values = json_array(), *texts = json_array();

	json_object_set_new(data, "kind", json_integer(e->kind));
	for (size_t i = 0; i < WF_EVENT_FIELDS; i++)
		json_array_append_new(values, json_integer(e->v[i]));
	for (size_t i = 0; i < WF_EVENT_TEXTS; i++)
		json_array_append_new(texts, wf_json_text(e->text[i].p, e->text[i].n));
	json_object_set_new(data, "values", values);
	json_object_set_new(data, "texts", texts);
	return data;
}

static json_t *subject(const struct wf_event *e, const struct wf_event_info *info,
		       void (*name_of)(const struct wf_event *e, char *out, size_t size, void *arg),
		       void *arg)
{
	static const struct {
		const char *kind, *a, *b;
	} shapes[] = {
		[WF_S_ENGINE] = { "engine", NULL, NULL },
		[WF_S_RUN] = { "run", NULL, NULL },
		[WF_S_INSTANCE] = { "instance", "instance", NULL },
		[WF_S_TASK] = { "task", "instance", "index" },
		[WF_S_SERVICE] = { "service", "service", NULL },
		[WF_S_MEMBER] = { "member", "service", "n" },
		[WF_S_LEASE] = { "lease", "instance", "service" },
	};
	json_t *s = json_object();
	char id[512] = "";

	if (!info) {
		json_object_set_new(s, "kind", json_string("unknown"));
		json_object_set_new(s, "a", json_integer(e->a));
		json_object_set_new(s, "b", json_integer(e->b));
		return s;
	}
	json_object_set_new(s, "kind", json_string(shapes[info->subject].kind));
	if (name_of)
		name_of(e, id, sizeof(id), arg);
	if (id[0])
		json_object_set_new(s, "id", wf_json_text(id, strlen(id)));
	if (shapes[info->subject].a)
		json_object_set_new(s, shapes[info->subject].a, json_integer(e->a));
	if (shapes[info->subject].b)
		json_object_set_new(s, shapes[info->subject].b, json_integer(e->b));
	return s;
}

json_t *wf_event_json(const struct wf_event *e, const char *run_id,
		      void (*name_of)(const struct wf_event *e, char *out, size_t size, void *arg),
		      void *arg)
{
	const struct wf_event_info *info = wf_event_info(e->kind);
	json_t *o = json_object();

	json_object_set_new(o, "seq", json_integer((json_int_t)e->seq));
	json_object_set_new(o, "at", wf_json_time(e->at));
	json_object_set_new(o, "kind", json_string(wf_event_name(e->kind)));
	json_object_set_new(o, "subject", subject(e, info, name_of, arg));
	json_object_set_new(o, "run", run_id ? json_string(run_id) : json_null());
	json_object_set_new(o, "cause",
			    e->cause ? json_integer((json_int_t)e->cause) : json_null());
	if (e->op_id)
		json_object_set_new(o, "op_id", json_integer((json_int_t)e->op_id));
	json_object_set_new(o, "epoch", json_integer((json_int_t)e->epoch));
	json_object_set_new(o, "data", info ? known_data(e, info) : unknown_data(e));
	return o;
}
