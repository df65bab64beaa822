/* picture.c - owns the two picture languages for the graph of a run; does no I/O. */
#include "cli/picture.h"

#include <string.h>

#include "cli/field.h"
#include "cli/show.h"

static void dot_text(struct wf_buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			wf_buf_char(b, '\\');
		if (*s == '\n')
			wf_buf_str(b, "\\n");
		else
			wf_buf_char(b, *s);
	}
}

/* Inside quotes Mermaid reads entities, and little else may stand as it is. */
static void mermaid_text(struct wf_buf *b, const char *s)
{
	for (; *s; s++) {
		if (strchr("\"#<>&", *s))
			wf_buf_printf(b, "#%d;", *s);
		else
			wf_buf_char(b, *s == '\n' ? ' ' : *s);
	}
}

static const char *name_of(json_t *node)
{
	return *field_str(node, "name") ? field_str(node, "name") : field_str(node, "step");
}

/* " x 24", " x ?", or nothing for a step that does not fan out. */
static void times(json_t *node, struct wf_buf *b)
{
	if (!field_has(node, "count"))
		wf_buf_str(b, " x ?");
	else if (field_true(node, "fans_out") || field_int(node, "count") != 1)
		wf_buf_printf(b, " x %lld", (long long)field_int(node, "count"));
}

static void state_words(json_t *node, struct wf_buf *b)
{
	const char *state = field_str(node, "state");
	json_t *counts = json_object_get(node, "counts");

	wf_buf_str(b, *state ? state : counts ? step_state(counts) : "");
	if (counts && field_int(counts, "total") > 1)
		wf_buf_printf(b, " %lld/%lld", (long long)counts_done(counts), (long long)field_int(counts, "total"));
}

/* Fill and border of a state; readable in black and white, for the state is in the label too. */
static void colors(json_t *node, const char **fill, const char **line)
{
	json_t *counts = json_object_get(node, "counts");
	const char *state = *field_str(node, "state") ? field_str(node, "state") : counts ? step_state(counts) : "";

	switch (style_of(state)) {
	case GOOD:
		*fill = "#e6f4ea", *line = "#1e7e34";
		break;
	case BAD:
		*fill = "#fde7e9", *line = "#b3261e";
		break;
	case LIVE:
		*fill = "#e3f2fd", *line = "#1565c0";
		break;
	case WARN:
		*fill = "#fff4e0", *line = "#9a6700";
		break;
	default:
		*fill = "#ffffff", *line = "#6e7781";
	}
}

/* How indices pair and which result is waited for, where that is not the rule. */
static void edge_words(json_t *edge, struct wf_buf *b)
{
	const char *kind = field_str(edge, "kind"), *result = field_str(edge, "result");

	if (strcmp(kind, "all") == 0)
		kind = "";
	if (strcmp(result, "success") == 0)
		result = "";
	wf_buf_printf(b, "%s%s%s", kind, *kind && *result ? " " : "", result);
}

static long long number(json_t *v)
{
	return (long long)json_integer_value(v);
}

void picture_dot(json_t *graph, struct wf_buf *b)
{
	json_t *services = json_object_get(graph, "services"), *item, *id;
	const char *fill, *line;
	size_t i, k;

	wf_buf_str(b, "digraph run {\n\tnode [shape=box, style=\"rounded,filled\"];\n");
	json_array_foreach(json_object_get(graph, "nodes"), i, item) {
		struct wf_buf words = { 0 };

		state_words(item, &words);
		colors(item, &fill, &line);
		wf_buf_printf(b, "\tn%lld [label=\"", (long long)field_int(item, "id"));
		dot_text(b, name_of(item));
		times(item, b);
		wf_buf_str(b, "\\n");
		dot_text(b, wf_buf_cstr(&words));
		wf_buf_printf(b, "\", fillcolor=\"%s\", color=\"%s\"%s];\n", fill, line,
			      field_true(item, "fans_out") ? ", peripheries=2" : "");
		wf_buf_release(&words);
	}
	json_array_foreach(json_object_get(graph, "edges"), i, item) {
		const char *cause = field_str(item, "cause");

		wf_buf_printf(b, "\tn%lld -> n%lld [label=\"", (long long)field_int(item, "from"), (long long)field_int(item, "to"));
		edge_words(item, b);
		wf_buf_printf(b, "\"%s];\n", strcmp(cause, "data") == 0 ? ", style=dashed" : strcmp(cause, "list") == 0 ? ", style=dotted" : "");
	}
	json_array_foreach(services, i, item) {
		wf_buf_printf(b, "\ts%zu [label=\"", i);
		dot_text(b, field_str(item, "name"));
		wf_buf_str(b, "\\n");
		dot_text(b, field_str(item, "type"));
		wf_buf_str(b, "\", shape=cylinder, style=\"\"];\n");
		json_array_foreach(json_object_get(json_object_get(item, "after"), "nodes"), k, id)
			wf_buf_printf(b, "\tn%lld -> s%zu;\n", number(id), i);
		json_array_foreach(json_object_get(json_object_get(item, "after"), "services"), k, id)
			wf_buf_printf(b, "\ts%lld -> s%zu;\n", number(id), i);
		json_array_foreach(json_object_get(item, "users"), k, id)
			wf_buf_printf(b, "\ts%zu -> n%lld [style=dotted, dir=none];\n", i, number(id));
	}
	wf_buf_str(b, "}\n");
}

void picture_mermaid(json_t *graph, struct wf_buf *b)
{
	json_t *services = json_object_get(graph, "services"), *item, *id;
	const char *fill, *line;
	size_t i, k;

	wf_buf_str(b, "flowchart TD\n");
	json_array_foreach(json_object_get(graph, "nodes"), i, item) {
		struct wf_buf words = { 0 };
		int fans_out = field_true(item, "fans_out");

		state_words(item, &words);
		colors(item, &fill, &line);
		wf_buf_printf(b, "    n%lld%s\"", (long long)field_int(item, "id"), fans_out ? "[[" : "[");
		mermaid_text(b, name_of(item));
		times(item, b);
		wf_buf_str(b, "<br/>");
		mermaid_text(b, wf_buf_cstr(&words));
		wf_buf_printf(b, "\"%s\n    style n%lld fill:%s,stroke:%s\n", fans_out ? "]]" : "]", (long long)field_int(item, "id"), fill,
			      line);
		wf_buf_release(&words);
	}
	json_array_foreach(json_object_get(graph, "edges"), i, item) {
		struct wf_buf words = { 0 };

		edge_words(item, &words);
		wf_buf_printf(b, "    n%lld %s", (long long)field_int(item, "from"),
			      strcmp(field_str(item, "cause"), "after") == 0 ? "-->" : "-.->");
		if (words.len)
			wf_buf_printf(b, "|%s|", wf_buf_cstr(&words));
		wf_buf_printf(b, " n%lld\n", (long long)field_int(item, "to"));
		wf_buf_release(&words);
	}
	json_array_foreach(services, i, item) {
		wf_buf_printf(b, "    s%zu[(\"", i);
		mermaid_text(b, field_str(item, "name"));
		wf_buf_str(b, "<br/>");
		mermaid_text(b, field_str(item, "type"));
		wf_buf_str(b, "\")]\n");
		json_array_foreach(json_object_get(json_object_get(item, "after"), "nodes"), k, id)
			wf_buf_printf(b, "    n%lld --> s%zu\n", number(id), i);
		json_array_foreach(json_object_get(json_object_get(item, "after"), "services"), k, id)
			wf_buf_printf(b, "    s%lld --> s%zu\n", number(id), i);
		json_array_foreach(json_object_get(item, "users"), k, id)
			wf_buf_printf(b, "    s%zu -.- n%lld\n", i, number(id));
	}
}
