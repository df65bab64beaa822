/* cmd_graph.c - `wf graph`: the graph of a file, or of a run with its states. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/picture.h"
#include "cli/runs.h"
#include "cli/spec.h"

const struct opt cmd_graph_options[] = {
	{ .name = "format", .value = "dot|mermaid|json", .help = "what to print; dot when not given" },
	{ .letter = 'p', .name = "param", .value = "NAME=VALUE", .help = "give a parameter of a file its value", .many = 1 },
	{ 0 },
};

/* A file is meant where one is there, or where the word could be no run's. */
static int is_file(const char *word)
{
	struct stat st;
	const char *dot = strrchr(word, '.');

	return strchr(word, '/') || (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0)) || stat(word, &st) == 0;
}

static void print(struct out *out, struct wf_buf *b)
{
	out_bytes(out, wf_buf_cstr(b), b->len);
	wf_buf_release(b);
}

static void print_document(struct out *out, json_t *graph)
{
	out->mode = OUT_JSON;
	out_show(out, OUT_GRAPH, graph);
	json_decref(graph);
}

static int of_file(const struct args *args, struct out *out, const char *path, const char *format)
{
	char *cwd = getcwd(NULL, 0);
	struct wf_err err = { 0 };
	struct wf_buf b = { 0 };
	struct spec s = { 0 };
	int rc = 0;

	if (spec_read(&s, path, &err) < 0 || spec_params(&s, args, &err) < 0) {
		rc = out_fail(out, &err);
	} else if (spec_parse(&s, 0) < 0 || spec_expand(&s, cwd ? cwd : "/", &err) < 0) {
		rc = err.code != WF_OK ? out_fail(out, &err) : spec_fail(&s, out);
	} else if (strcmp(format, "json") == 0) {
		print_document(out, dag_json(s.dag));
	} else {
		if (strcmp(format, "mermaid") == 0)
			dag_mermaid(s.dag, NULL, NULL, &b);
		else
			dag_dot(s.dag, NULL, NULL, &b);
		print(out, &b);
	}
	spec_release(&s);
	free(cwd);
	return rc;
}

static int of_run(struct out *out, const char *run, const char *format)
{
	struct wf_err err;
	struct wf_buf b = { 0 };
	struct client *c = client_open(CLIENT_START, &err);
	json_t *graph = c ? run_get(c, run, "graph", &err) : NULL;

	client_close(c);
	if (!graph)
		return out_fail(out, &err);
	if (strcmp(format, "json") == 0) {
		print_document(out, graph);
		return 0;
	}
	if (strcmp(format, "mermaid") == 0)
		picture_mermaid(graph, &b);
	else
		picture_dot(graph, &b);
	print(out, &b);
	json_decref(graph);
	return 0;
}

int cmd_graph(const struct args *args, struct out *out)
{
	const char *what = args_operand(args, 0), *format = args_get(args, "format");

	if (!format)
		format = "dot";
	return is_file(what) ? of_file(args, out, what, format) : of_run(out, what, format);
}
