/* service.c - owns the keys of a service, and how an entry meets its type's driver. What a type is, driver.c knows. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/command.h"
#include "wdf-schema/driver.h"
#include "wdf-schema/read.h"

struct reading {
	struct wdf_service *s;
	const struct wdf_driver *driver;   /* NULL: unknown type, or none given to check against */
	const struct wdf_entry *attributes, *members, *start, *type;
};

/* ---- placeholders: rendered once, beside the member ---------------------------------------------------------- */

static int is_root(const char *name, size_t n)
{
	static const char *const roots[] = { "service", "member", "members", "view", "attributes", "config",
					     "lease",	"args",	  "SESSION", "STEP" };

	for (size_t i = 0; i < WF_COUNT(roots); i++)
		if (strlen(roots[i]) == n && memcmp(roots[i], name, n) == 0)
			return 1;
	return 0;
}

static void check_scalar(struct wdf_load *l, const struct wdf_node *n)
{
	static const char *const roots[] = { "service", "member", "members", "view", "attributes", "config", "lease", "args" };
	struct wdf_tmpl_source from = { .text = n->text, .len = n->count, .pos = n->pos,
					.masks = l->doc.masks + n->total,
					.mask_count = l->doc.mask_count - n->total, .lenient = !l->has_params };
	struct wdf_tmpl t;

	if (!n->masked || wdf_tmpl_read(&t, l->a, &from, l->d) < 0)
		return;
	for (uint32_t i = 0; i < t.count; i++) {
		const struct wdf_part *p = &t.parts[i];
		const char *dot = p->is_name ? memchr(p->text, '.', p->len) : NULL;
		size_t word = dot ? (size_t)(dot - p->text) : p->len;

		if (!p->is_name || is_root(p->text, word) || wdf_find_param(l, p->text, word))
			continue;
		if (!l->has_params && !dot)
			wdf_need(l, p->text, p->len, p->pos);
		else
			wdf_unknown_name(l, p->text, p->len, p->pos, roots, WF_COUNT(roots));
	}
}

static void check_placeholders(struct wdf_load *l, const struct wdf_node *n)
{
	if (n->kind == WDF_NODE_SCALAR) {
		check_scalar(l, n);
		return;
	}
	for (uint32_t i = 0; i < n->count; i++)
		check_placeholders(l, n->kind == WDF_NODE_LIST ? &n->items[i] : &n->entries[i].value);
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

static void service_type(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct reading *r = to;
	const char *const *names;
	char shown[WDF_SHOWN], *upper;
	const char *text;
	size_t n;

	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &text) < 0)
		return;
	upper = wf_arena_strdup(l->a, text);
	for (char *c = upper; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	r->s->type = upper;
	r->type = e;
	if (!l->types)
		return;
	r->driver = wdf_types_find(l->types, upper);
	if (r->driver) {
		r->s->type = wf_arena_strdup(l->a, r->driver->type);
		return;
	}
	names = wdf_types_names(l->types, &n);
	wdf_hint_names(wdf_find(l->d, WDF_NO_TYPE, e->value.pos, e->value.span, "no service type '%s'",
				wdf_shown(text, strlen(text), shown)),
		       upper, names, n);
}

static void service_attributes(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	if (!wdf_is_map(l, e, "{memory: 1GiB}"))
		return;
	((struct reading *)to)->attributes = e;
	check_placeholders(l, &e->value);
}

static void service_movers(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_load_movers(l, e, ((struct reading *)to)->s);
}

static void service_resources(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_service *s = ((struct reading *)to)->s;

	s->has_resources = 1;
	s->resources.nodes = s->resources.ranks = s->resources.cpus = 1;
	wdf_load_resources(l, e, &s->resources);
}

static void service_slurm(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	((struct reading *)to)->s->slurm = wdf_load_slurm(l, e);
}

static void service_location(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	((struct reading *)to)->s->location = wdf_load_location(l, e);
}

static const char *const scopes[] = { "run", "task", "step", "session", "user", NULL };

const char *wdf_scope_name(enum wdf_scope_of s)
{
	return scopes[s];
}

static void service_scope(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	int word;

	if (wdf_read_choice(l, e, scopes, &word) == 0)
		((struct reading *)to)->s->scope = (enum wdf_scope_of)word;
}

static void service_start(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "lazy", "eager", "manual", NULL };
	struct reading *r = to;
	int word;

	if (wdf_read_choice(l, e, words, &word) < 0)
		return;
	r->s->start = (enum wdf_start)word;
	r->start = e;
}

static void service_after(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_service *s = ((struct reading *)to)->s;

	wdf_load_after(l, e, 1, &s->after, &s->after_count);
}

static void members_target(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	int64_t v;

	if (wdf_read_int(l, e, 1, 1000000, &v) == 0)
		((struct wdf_service *)to)->target = (uint32_t)v;
}

static void members_min(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	int64_t v;

	if (wdf_read_int(l, e, 1, 1000000, &v) == 0)
		((struct wdf_service *)to)->min = (uint32_t)v;
}

static void service_members(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const struct wdf_key keys[] = { { "target", members_target }, { "min", members_min } };
	struct reading *r = to;

	r->members = e;
	r->s->min = 0;
	if (e->value.kind != WDF_NODE_MAP)
		members_target(l, e, r->s);
	else
		wdf_read_map(l, &e->value, "'members'", keys, WF_COUNT(keys), r->s);
	if (!r->s->min)
		r->s->min = r->s->target;
	if (r->s->min > r->s->target)
		wdf_find(l->d, WDF_INTEGER, e->value.pos, e->value.span, "'min' of 'members' is %u, more than 'target' %u",
			 r->s->min, r->s->target);
}

static void service_placement(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "datanodes", "consumers", "allocation", NULL };
	int word;

	if (wdf_read_choice(l, e, words, &word) == 0)
		((struct reading *)to)->s->placement = words[word];
}

static void failure_action(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "restart", "hold", "fail", NULL };
	int word;

	if (wdf_read_choice(l, e, words, &word) == 0)
		((struct wdf_service *)to)->on_failure = (enum wdf_on_failure)(word + 1);
}

static void failure_limit(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	int64_t v;

	if (wdf_read_int(l, e, 0, 1000, &v) == 0)
		((struct wdf_service *)to)->failure_limit = (uint32_t)v;
}

static void failure_backoff(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_time(l, e, &((struct wdf_service *)to)->failure_backoff_ms);
}

static void service_on_failure(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const struct wdf_key keys[] = {
		{ "action", failure_action }, { "limit", failure_limit }, { "backoff", failure_backoff }
	};
	struct wdf_service *s = ((struct reading *)to)->s;

	if (e->value.kind != WDF_NODE_MAP)
		failure_action(l, e, s);
	else
		wdf_read_map(l, &e->value, "'on_failure'", keys, WF_COUNT(keys), s);
}

static void service_walltime(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "cover", "handover", NULL };
	int word;

	if (wdf_read_choice(l, e, words, &word) == 0)
		((struct reading *)to)->s->walltime = words[word];
}

static void service_executor(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "local", "slurm", NULL };
	int word;

	if (wdf_read_choice(l, e, words, &word) == 0)
		((struct reading *)to)->s->executor = words[word];
}

/* The member reads its command again when it has rendered it; here only what is wrong with it in any case. */
static void check_command(struct wdf_load *l, const struct wdf_entry *e)
{
	struct wdf_command_source from = { .shell_pos = e->value.pos, .always_shell = strcmp(e->key, "setup") == 0 };

	if (e->value.kind == WDF_NODE_SCALAR && wdf_read_tmpl(l, e, &from.text) == 0)
		wdf_command_read(l->a, &from, l->d);
}

static void service_spec(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_service *s = ((struct reading *)to)->s;
	json_t *v;

	check_placeholders(l, &e->value);
	if (strcmp(e->key, "command") == 0 || strcmp(e->key, "setup") == 0)
		check_command(l, e);
	v = wdf_read_json(l, e, WDF_JSON_RAW);
	if (v)
		json_object_set_new(s->spec, e->key, v);
}

static const struct wdf_key service_keys[] = {
	{ "name", NULL },
	{ "type", service_type },
	{ "attributes", service_attributes },
	{ "datamovers", service_movers },
	{ "command", service_spec },
	{ "setup", service_spec },
	{ "env", service_spec },
	{ "ready", service_spec },
	{ "health", service_spec },
	{ "stop", service_spec },
	{ "provides", service_spec },
	{ "resources", service_resources },
	{ "slurm", service_slurm },
	{ "location", service_location },
	{ "scope", service_scope },
	{ "start", service_start },
	{ "after", service_after },
	{ "members", service_members },
	{ "placement", service_placement },
	{ "on_failure", service_on_failure },
	{ "walltime", service_walltime },
	{ "executor", service_executor },
};

/* ---- the entry against its driver ---------------------------------------------------------------------------- */

static void check_attribute(struct wdf_load *l, const struct reading *r, const struct wdf_entry *e)
{
	const struct wdf_attribute *a = wdf_driver_attribute(r->driver, e->key);
	char shown[WDF_SHOWN];
	struct wf_err err;
	json_t *v;

	if (!a) {
		const char **names = wf_xcalloc(r->driver->attribute_count + 1u, sizeof(*names));

		for (uint32_t i = 0; i < r->driver->attribute_count; i++)
			names[i] = r->driver->attributes[i].name;
		wdf_hint_names(wdf_find(l->d, WDF_ATTRIBUTE, e->pos, e->span, "type %s has no attribute '%s'",
					r->driver->type, wdf_shown(e->key, strlen(e->key), shown)),
			       e->key, names, r->driver->attribute_count);
		free(names);
		return;
	}
	if (wdf_node_is_null(&e->value)) {
		wdf_find(l->d, WDF_EMPTY_VALUE, e->pos, e->span, "attribute '%s' has no value", e->key);
		return;
	}
	v = wdf_read_json(l, e, WDF_JSON_RAW);
	if (!v)
		return;
	if (wdf_attribute_check(a, v, json_is_real(v) ? wdf_shown(e->value.text, e->value.count, shown) : NULL, &err) < 0)
		wdf_find(l->d, WDF_ATTRIBUTE, e->value.pos, e->value.span, "%s", err.text);
	json_object_set_new(r->s->attributes, e->key, v);
}

static void check_attributes(struct wdf_load *l, const struct reading *r)
{
	const struct wdf_node *given = r->attributes ? &r->attributes->value : NULL;

	for (uint32_t i = 0; given && i < given->count; i++) {
		if (r->driver) {
			check_attribute(l, r, &given->entries[i]);
		} else {
			json_t *v = wdf_read_json(l, &given->entries[i], WDF_JSON_RAW);

			if (v)
				json_object_set_new(r->s->attributes, given->entries[i].key, v);
		}
	}
	for (uint32_t i = 0; r->driver && i < r->driver->attribute_count; i++) {
		const struct wdf_attribute *a = &r->driver->attributes[i];

		if (given && wdf_node_get(given, a->name))
			continue;
		if (a->required)
			wdf_hint(wdf_find(l->d, WDF_ATTRIBUTE, r->attributes ? r->attributes->pos : r->s->pos, 1,
					  "attribute '%s' is missing in service '%s'", a->name,
					  r->s->name ? r->s->name : "?"),
				 "%s", a->description ? a->description : wdf_attribute_type_name(a->type));
		else if (a->fallback)
			json_object_set(r->s->attributes, a->name, a->fallback);
	}
}

struct verbs {
	struct wdf_load *l;
	const struct wdf_node *n;
};

static void on_verb(void *self, enum wdf_code code, const char *pointer, int on_key, const char *text, const char *hint)
{
	struct verbs *v = self;
	struct wdf_pos key = v->n->pos;
	uint32_t span = 1;
	const struct wdf_node *at = wdf_node_at(v->n, pointer, &key, &span);
	struct wdf_diag *f = on_key ? wdf_find(v->l->d, code, key, span, "%s", text) :
				      wdf_find(v->l->d, code, at->pos, at->span, "%s", text);

	if (hint)
		wdf_hint(f, "%s", hint);
}

static void check_driver(struct wdf_load *l, const struct reading *r, const struct wdf_node *n)
{
	struct verbs self = { l, n };
	struct wdf_check to = { on_verb, &self };
	const struct wdf_service *s = r->s;

	wdf_driver_check(r->driver, s->spec, &to);
	if (s->target < r->driver->members_min || s->target > r->driver->members_max)
		wdf_find(l->d, WDF_INTEGER, r->members ? r->members->value.pos : s->pos, 1,
			 "a service of type %s has %u to %u members, not %u", r->driver->type, r->driver->members_min,
			 r->driver->members_max, s->target);
}

void wdf_load_service(struct wdf_load *l, const struct wdf_node *n, struct wdf_service *s)
{
	struct reading r = { .s = s };
	char shown[WDF_SHOWN], what[WDF_SHOWN + 12];

	s->pos = n->pos;
	s->attributes = json_object();
	s->spec = json_object();
	s->target = s->min = 1;
	s->failure_limit = 3;
	s->start = l->w->iosea ? WDF_START_EAGER : WDF_START_LAZY;
	if (s->name)
		snprintf(what, sizeof(what), "service '%s'", wdf_shown(s->name, strlen(s->name), shown));
	else
		snprintf(what, sizeof(what), "a service");
	if (wdf_read_map(l, n, what, service_keys, WF_COUNT(service_keys), &r) < 0)
		return;
	if (!wdf_node_get(n, "name"))
		wdf_missing(l, n, "name", "a service");
	if (!wdf_node_get(n, "type"))
		wdf_hint(wdf_missing(l, n, "type", what),
			 "any command with a probe is of type COMMAND");
	check_attributes(l, &r);
	if (r.driver)
		check_driver(l, &r, n);
}

/* ---- between services -------------------------------------------------------------------------------------------- */

static const struct wdf_node *attribute_node(const struct wdf_entry *services, uint32_t i, const char *name)
{
	const struct wdf_node *attributes = wdf_node_get(&services->value.items[i], "attributes");

	return attributes ? wdf_node_get(attributes, name) : NULL;
}

/* Attributes that must differ between services of a type. */
void wdf_check_services(struct wdf_load *l, const struct wdf_entry *services)
{
	const struct wdf *w = l->w;
	struct wf_strmap seen = { 0 };

	for (uint32_t i = 0; i < w->service_count && l->types; i++) {
		const struct wdf_service *s = &w->services[i];
		const struct wdf_driver *driver = s->type ? wdf_types_find(l->types, s->type) : NULL;

		for (uint32_t k = 0; driver && k < driver->attribute_count; k++) {
			const struct wdf_attribute *a = &driver->attributes[k];
			json_t *v = a->distinct ? json_object_get(s->attributes, a->name) : NULL;
			char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
			const struct wdf_node *at = attribute_node(services, i, a->name), *first;
			uint32_t other;

			if (!text)
				continue;
			other = wf_strmap_add(&seen, wf_arena_printf(l->a, "%s %s %s", s->type, a->name, text), i);
			free(text);
			if (other == i || !at)
				continue;
			first = attribute_node(services, other, a->name);
			wdf_related(wdf_find(l->d, WDF_ATTRIBUTE, at->pos, at->span,
					     "services '%s' and '%s' have the same '%s'", w->services[other].name, s->name,
					     a->name),
				    first ? first->pos : w->services[other].pos, "the other one");
		}
	}
	wf_strmap_release(&seen);
}
