/* picture_test.c - names with the characters that a picture language would read as its own. */
#include "cli/picture.h"
#include "engine/base/json.h"
#include "tests/tap/tap.h"

static const char text[] =
	"{\"nodes\": [{\"id\": 0, \"name\": \"a\\\"b\\\\c<d>&#\", \"count\": 1, \"fans_out\": false, \"counts\": {\"total\": 1, \"failed\": 1}},"
	" {\"id\": 1, \"step\": \"later\", \"count\": null, \"fans_out\": true}],"
	" \"edges\": [{\"from\": 0, \"to\": 1, \"kind\": \"each\", \"result\": \"any\", \"cause\": \"list\"}],"
	" \"services\": [{\"name\": \"s\", \"type\": \"T\", \"users\": [0], \"after\": {\"nodes\": [], \"services\": [0]}}]}";

int main(void)
{
	struct wf_err err;
	struct wf_buf b = { 0 };
	json_t *graph = wf_json_parse(text, sizeof(text) - 1, &err), *empty = json_object();

	if (!graph)
		bail("%s", err.text);
	picture_dot(graph, &b);
	has_str(wf_buf_cstr(&b), "n0 [label=\"a\\\"b\\\\c<d>&#\\nfailed\"", "dot: quotes and backslashes");
	has_str(wf_buf_cstr(&b), "n1 [label=\"later x ?\\n\"", "dot: not sized, no state");
	has_str(wf_buf_cstr(&b), "n0 -> n1 [label=\"each any\", style=dotted]", "dot: an edge");
	has_str(wf_buf_cstr(&b), "s0 -> s0;", "dot: a service after a service");
	wf_buf_clear(&b);
	picture_mermaid(graph, &b);
	has_str(wf_buf_cstr(&b), "n0[\"a#34;b\\c#60;d#62;#38;#35;<br/>failed\"]", "mermaid: entities");
	has_str(wf_buf_cstr(&b), "n1[[\"later x ?<br/>\"]]", "mermaid: not sized, no state");
	has_str(wf_buf_cstr(&b), "n0 -.->|each any| n1", "mermaid: an edge");
	wf_buf_clear(&b);
	picture_dot(empty, &b);
	has_str(wf_buf_cstr(&b), "digraph run {", "an empty document is an empty picture");
	wf_buf_release(&b);
	json_decref(graph);
	json_decref(empty);
	return done_testing();
}
