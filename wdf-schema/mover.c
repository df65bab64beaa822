/* mover.c - owns `datamovers` of a service (IO-SEA 2.0): checked and kept. Knows nothing of how data moves. */
#include <stdio.h>
#include <string.h>

#include "wdf-schema/read.h"

static void mover_name(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_name(l, e, to);
}

static void mover_trigger(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "step_start", "step_stop", NULL };
	int word;

	(void)to;
	wdf_read_choice(l, e, words, &word);
}

static void mover_target(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	const char *text;

	(void)to;
	wdf_read_text(l, e, WDF_TEXT_STRICT, &text);
}

static void mover_operation(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "copy", "move", "release", NULL };
	int word;

	(void)to;
	wdf_read_choice(l, e, words, &word);
}

/* Patterns; they may hold names of the step, so they stay as written. */
static void mover_elements(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	(void)to;
	if (!wdf_is_list(l, e, "[\"*.dat\"]"))
		return;
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);
		struct wdf_tmpl t;

		wdf_read_tmpl(l, &item, &t);
	}
}

static void mover_when(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "success", "failure", "any", NULL };
	int word;

	(void)to;
	wdf_read_choice(l, e, words, &word);
}

void wdf_load_movers(struct wdf_load *l, const struct wdf_entry *e, struct wdf_service *s)
{
	static const struct wdf_key keys[] = {
		{ "name", mover_name },		  { "trigger", mover_trigger },	  { "target", mover_target },
		{ "operation", mover_operation }, { "elements", mover_elements }, { "when", mover_when },
	};
	static const char *const needed[] = { "name", "trigger", "operation" };
	struct wf_strmap names = { 0 };

	if (!wdf_is_list(l, e, "[{name: stage_in, trigger: step_start, target: flash, operation: copy, elements: [\"*\"]}]") ||
	    !wdf_is_few(l, e, WDF_MOST_MOVERS))
		return;
	for (uint32_t i = 0; i < e->value.count; i++) {
		const struct wdf_node *n = &e->value.items[i];
		const char *name = NULL;

		if (wdf_read_map(l, n, "a datamover", keys, WF_COUNT(keys), &name) < 0)
			continue;
		for (size_t k = 0; k < WF_COUNT(needed); k++)
			if (!wdf_node_get(n, needed[k]))
				wdf_missing(l, n, needed[k], "a datamover");
		if (name && wf_strmap_add(&names, name, i) != i)
			wdf_find(l->d, WDF_SAME_NAME, n->pos, n->span, "two datamovers are called '%s'", name);
	}
	wf_strmap_release(&names);
	s->datamovers = wdf_read_json(l, e, WDF_JSON_RAW);
}
