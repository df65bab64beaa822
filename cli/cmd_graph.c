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

static int of_file(const struct args *args, struct out *out, const char *path, json_t **graph)
{
	char *cwd = getcwd(NULL, 0);
	struct wf_err err = { 0 };
	struct spec s = { 0 };
	int rc = 0;

	if (spec_read(&s, path, &err) < 0 || spec_params(&s, args, &err) < 0)
		rc = out_fail(out, &err);
	else if (spec_parse(&s, 0) < 0 || spec_expand(&s, cwd ? cwd : "/", &err) < 0)
		rc = err.code != WF_OK ? out_fail(out, &err) : spec_fail(&s, out);
	else
		*graph = dag_json(s.dag);
	spec_release(&s);
	free(cwd);
	return rc;
}

static int of_run(struct out *out, const char *run, json_t **graph)
{
	struct wf_err err;
	struct client *c = client_open(CLIENT_START, &err);

	*graph = c ? run_get(c, run, "graph", &err) : NULL;
	client_close(c);
	return *graph ? 0 : out_fail(out, &err);
}

int cmd_graph(const struct args *args, struct out *out)
{
	const char *what = args_operand(args, 0), *format = args_get(args, "format");
	struct wf_buf b = { 0 };
	json_t *graph = NULL;
	int rc = is_file(what) ? of_file(args, out, what, &graph) : of_run(out, what, &graph);

	if (rc)
		return rc;
	if (format && strcmp(format, "json") == 0) {
		out->mode = OUT_JSON;
		out_show(out, OUT_GRAPH, graph);
	} else {
		if (format && strcmp(format, "mermaid") == 0)
			picture_mermaid(graph, &b);
		else
			picture_dot(graph, &b);
		out_bytes(out, wf_buf_cstr(&b), b.len);
	}
	wf_buf_release(&b);
	json_decref(graph);
	return 0;
}
