/* work.c - owns what a step does: command, argv, setup, env, components. Knows nothing of order and resources. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/command.h"
#include "wdf-schema/read.h"

/* ---- env -------------------------------------------------------------------------------------------------- */

static int is_variable(const char *s)
{
	if (!((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z') && *s != '_')
		return 0;
	for (; *s; s++)
		if (!((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z') && *s != '_' && !(*s >= '0' && *s <= '9'))
			return 0;
	return 1;
}

void wdf_load_env(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_step *s = to;
	char shown[WDF_SHOWN];

	if (!wdf_is_map(l, e, "{OMP_NUM_THREADS: 4}"))
		return;
	s->env = wf_arena_alloc(l->a, e->value.count * sizeof(*s->env));
	for (uint32_t i = 0; i < e->value.count; i++) {
		const struct wdf_entry *v = &e->value.entries[i];

		wdf_shown(v->key, strlen(v->key), shown);
		if (!is_variable(v->key))
			wdf_hint(wdf_find(l->d, WDF_NAME, v->pos, v->span, "'%s' is not the name of a variable", shown),
				 "letters, digits and '_', not a digit first");
		else if (strncmp(v->key, "WF_", 3) == 0 || strncmp(v->key, "IOI_", 4) == 0)
			wdf_hint(wdf_find(l->d, WDF_RESERVED, v->pos, v->span, "'%s' is reserved", shown),
				 "variables that begin with WF_ and IOI_ are set by wf");
		if (wdf_node_is_null(&v->value))
			wdf_hint(wdf_find(l->d, WDF_EMPTY_VALUE, v->pos, v->span, "'%s' has no value", shown),
				 "write \"\" for an empty one");
		else if (wdf_read_tmpl(l, v, &s->env[s->env_count].value) == 0)
			s->env[s->env_count++].name = wf_arena_strdup(l->a, v->key);
	}
}

/* ---- setup ------------------------------------------------------------------------------------------------- */

/* A list of lines is one text with newlines. */
static int join_lines(struct wdf_load *l, const struct wdf_entry *e, struct wdf_tmpl *out)
{
	struct wdf_part *parts = NULL;
	struct wf_buf raw = { 0 };
	size_t count = 0, cap = 0;
	int rc = 0;

	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);
		struct wdf_tmpl t = { 0 };

		if (wdf_read_tmpl(l, &item, &t) < 0) {
			rc = -1;
			continue;
		}
		parts = wf_grow(parts, &cap, count + t.count + 1, sizeof(*parts));
		memcpy(parts + count, t.parts, t.count * sizeof(*parts));
		count += t.count;
		parts[count++] = (struct wdf_part){ .text = "\n", .len = 1, .pos = item.pos };
		wf_buf_printf(&raw, "%s\n", t.raw);
	}
	if (rc == 0 && count) {
		out->parts = wf_arena_alloc(l->a, count * sizeof(*parts));
		memcpy((void *)out->parts, parts, count * sizeof(*parts));
		out->count = (uint32_t)count;
		out->pos = e->value.pos;
		out->raw = wf_arena_strndup(l->a, raw.data, raw.len);
	}
	free(parts);
	wf_buf_release(&raw);
	return rc == 0 && count ? 0 : -1;
}

static void load_setup(struct wdf_load *l, const struct wdf_entry *e, struct wdf_step *s)
{
	struct wdf_command_source from = { .shell = "bash", .always_shell = 1, .shell_pos = e->pos };
	int rc = e->value.kind == WDF_NODE_LIST ? join_lines(l, e, &s->setup) : wdf_read_tmpl(l, e, &s->setup);

	if (rc < 0)
		return;
	from.text = s->setup;
	s->setup_script = wdf_command_read(l->a, &from, l->d);
}

/* ---- command and argv ----------------------------------------------------------------------------------------- */

static const struct wdf_entry *entry_of(const struct wdf_node *map, const char *key)
{
	for (uint32_t i = 0; i < map->count; i++)
		if (strcmp(map->entries[i].key, key) == 0)
			return wdf_node_is_null(&map->entries[i].value) ? NULL : &map->entries[i];
	return NULL;
}

static void load_argv(struct wdf_load *l, const struct wdf_entry *e, struct wdf_step *s)
{
	struct wdf_tmpl *items;
	uint32_t n = 0;

	if (!wdf_is_list(l, e, "[./prog, \"{{ seed }}\"]"))
		return;
	if (!e->value.count) {
		wdf_find(l->d, WDF_EMPTY_VALUE, e->value.pos, e->value.span, "'argv' is empty");
		return;
	}
	items = wf_arena_alloc(l->a, e->value.count * sizeof(*items));
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);

		if (wdf_read_tmpl(l, &item, &items[n]) == 0)
			n++;
	}
	if (n == e->value.count)
		s->command = wdf_command_of_argv(l->a, items, n);
	if (n && items[0].count == 1 && !items[0].parts[0].is_name && !items[0].parts[0].len)
		wdf_find(l->d, WDF_EMPTY_VALUE, items[0].pos, 1, "the program in 'argv' is empty");
}

static void load_command(struct wdf_load *l, const struct wdf_entry *e, const struct wdf_entry *shell, struct wdf_step *s)
{
	struct wdf_command_source from = { .shell_pos = e->value.pos };

	if (wdf_read_tmpl(l, e, &from.text) < 0)
		return;
	if (shell) {
		from.shell_pos = shell->value.pos;
		if (wdf_read_text(l, shell, WDF_TEXT_STRICT, &from.shell) < 0)
			return;
	}
	s->command = wdf_command_read(l->a, &from, l->d);
}

void wdf_load_commands(struct wdf_load *l, const struct wdf_node *n, struct wdf_step *s)
{
	const struct wdf_entry *command = entry_of(n, "command"), *argv = entry_of(n, "argv");
	const struct wdf_entry *shell = entry_of(n, "shell"), *setup = entry_of(n, "setup");

	if (setup)
		load_setup(l, setup, s);
	if (command)
		load_command(l, command, shell, s);
	else if (argv)
		load_argv(l, argv, s);
}

/* ---- components -------------------------------------------------------------------------------------------------- */

struct component {
	struct wdf_step *as;
};

static void component_name(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_name(l, e, &((struct component *)to)->as->name);
}

static void component_resources(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_load_resources(l, e, &((struct component *)to)->as->resources);
}

static void component_env(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_load_env(l, e, ((struct component *)to)->as);
}

static void component_slurm(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	(void)to;
	json_decref(wdf_load_slurm(l, e));
}

static void component_launch(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "once", "ranks", NULL };
	int word;

	(void)to;
	wdf_read_choice(l, e, words, &word);
}

void wdf_load_components(struct wdf_load *l, const struct wdf_entry *e, struct wdf_step *s)
{
	static const struct wdf_key keys[] = {
		{ "name", component_name },   { "command", NULL },	  { "argv", NULL },
		{ "shell", NULL },	      { "setup", NULL },	  { "env", component_env },
		{ "resources", component_resources }, { "slurm", component_slurm }, { "launch", component_launch },
	};
	struct wf_strmap names = { 0 };

	if (!wdf_is_list(l, e, "[{name: server, command: ./serve}, {name: client, command: ./ask}]"))
		return;
	if (!e->value.count)
		wdf_find(l->d, WDF_EMPTY_VALUE, e->value.pos, e->value.span, "'components' is empty");
	for (uint32_t i = 0; i < e->value.count; i++) {
		const struct wdf_node *n = &e->value.items[i];
		struct component c = { .as = wf_arena_alloc(l->a, sizeof(*c.as)) };

		c.as->pos = n->pos;
		if (wdf_read_map(l, n, "a component", keys, WF_COUNT(keys), &c) < 0)
			continue;
		wdf_load_commands(l, n, c.as);
		if (!wdf_node_get(n, "name"))
			wdf_missing(l, n, "name", "a component");
		if (!wdf_node_get(n, "command") == !wdf_node_get(n, "argv"))
			wdf_find(l->d, WDF_EXCLUSIVE, n->pos, n->span, "a component has one of command and argv");
		if (c.as->name && wf_strmap_add(&names, c.as->name, i) != i)
			wdf_find(l->d, WDF_SAME_NAME, n->pos, n->span, "two components are called '%s'", c.as->name);
		l->components = wf_grow(l->components, &l->component_cap, l->component_count + 1,
					sizeof(*l->components));
		l->components[l->component_count++] = (struct wdf_component){ (uint32_t)(s - l->w->steps), c.as };
	}
	if (s->ends_with && wf_strmap_get(&names, s->ends_with) == WF_STRMAP_NONE)
		wdf_find(l->d, WDF_NO_COMPONENT, e->pos, e->span, "'ends_with' names '%s', which is no component",
			 s->ends_with);
	wf_strmap_release(&names);
	s->components = wdf_read_json(l, e, WDF_JSON_RAW);
}
