/* picture_test.c - the graph as dot, mermaid and JSON. */
#include "engine/base/json.h"
#include "tests/unit/dag/maker.h"

static const char *state_of(uint32_t instance, void *arg)
{
	(void)arg;
	return instance == 1 ? "succeeded 3/8" : NULL;
}

/*   prepare ==> sim x 3 --each, any--> post       sim uses db, which comes after prepare */
static struct dag *example(struct maker *m)
{
	uint32_t p, s, o, db;

	maker_init(m);
	m->w.name = "a \"quoted\" name";
	p = step(m, "prepare");
	s = step(m, "sim");
	o = step(m, "post");
	db = service(m, "db");
	fan(m, s, "i", 3);
	writes(m, p, "in");
	reads(m, s, "in");
	each(m, o, s, WDF_ANY);
	use(m, s, db);
	m->w.services[db].after[m->w.services[db].after_count++] =
		(struct wdf_after){ .step = p, .service = UINT32_MAX };
	return build(m);
}

static void texts(void)
{
	struct wf_buf out = { 0 };
	struct maker m;
	struct dag *d = example(&m);

	dag_dot(d, state_of, NULL, &out);
	is_str(wf_buf_cstr(&out),
	       "digraph \"a \\\"quoted\\\" name\" {\n"
	       "\tnode [shape=box, style=rounded];\n"
	       "\tn0 [label=\"prepare\"];\n"
	       "\tn1 [label=\"sim x 3\\nsucceeded 3/8\", peripheries=2];\n"
	       "\tn2 [label=\"post x 3\", peripheries=2];\n"
	       "\tn1 -> n2 [label=\"each any\"];\n"
	       "\tn0 -> n1 [label=\"\", style=dashed];\n"
	       "\ts0 [label=\"db\\nCOMMAND\", shape=cylinder];\n"
	       "\tn0 -> s0;\n"
	       "\ts0 -> n1 [style=dotted, dir=none];\n"
	       "}\n",
	       "dot");
	wf_buf_clear(&out);
	dag_mermaid(d, NULL, NULL, &out);
	is_str(wf_buf_cstr(&out),
	       "flowchart TD\n"
	       "    n0[\"prepare\"]\n"
	       "    n1[[\"sim x 3\"]]\n"
	       "    n2[[\"post x 3\"]]\n"
	       "    n1 -->|each any| n2\n"
	       "    n0 -.-> n1\n"
	       "    s0[(\"db<br/>COMMAND\")]\n"
	       "    n0 --> s0\n"
	       "    s0 -.- n1\n",
	       "mermaid");
	wf_buf_release(&out);
	dag_free(d);
	maker_release(&m);
}

static int64_t number(json_t *list, size_t i, const char *key)
{
	return json_integer_value(json_object_get(json_array_get(list, i), key));
}

static void json(void)
{
	struct maker m;
	struct dag *d = example(&m);
	json_t *o = dag_json(d), *nodes = json_object_get(o, "nodes"), *s;
	char *text;

	is_int(json_array_size(nodes), 3, "nodes");
	is_int(number(nodes, 0, "rank"), 0, "ranked by the longest path");
	is_int(number(nodes, 2, "rank"), 2, "to the last");
	is_int(number(nodes, 2, "y"), 200, "with a place");
	is_int(number(nodes, 1, "count"), 3, "and a size");
	text = json_dumps(json_array_get(json_object_get(o, "edges"), 0), JSON_COMPACT);
	is_str(text,
	       "{\"from\":1,\"to\":2,\"kind\":\"each\",\"result\":\"any\",\"cause\":\"after\"}",
	       "an edge");
	free(text);
	s = json_array_get(json_object_get(o, "services"), 0);
	text = json_dumps(s, JSON_COMPACT);
	is_str(text,
	       "{\"name\":\"db\",\"type\":\"COMMAND\",\"scope\":\"run\",\"users\":[1],\"after\":{\"nodes\":[0],"
	       "\"services\":[]}}",
	       "a service");
	free(text);
	json_decref(o);
	dag_free(d);
	maker_release(&m);
}

/*   a0 a1 a2 a3 above, b0..b3 below, bi after a(3-i): drawn without a crossing */
static void crossings(void)
{
	struct maker m;
	struct dag *d;
	json_t *o, *nodes, *edges;
	uint32_t crossed = 0;

	maker_init(&m);
	for (uint32_t i = 0; i < 8; i++) {
		char name[8] = { i < 4 ? 'a' : 'b', (char)('0' + i % 4), '\0' };

		step(&m, name);
		if (i >= 4)
			after(&m, i, 7 - i, WDF_SUCCESS);
	}
	d = build(&m);
	o = dag_json(d);
	nodes = json_object_get(o, "nodes");
	edges = json_object_get(o, "edges");
	for (size_t i = 0; i < json_array_size(edges); i++)
		for (size_t k = 0; k < i; k++) {
			int64_t f = number(nodes, (size_t)number(edges, i, "from"), "x") -
				    number(nodes, (size_t)number(edges, k, "from"), "x");
			int64_t t = number(nodes, (size_t)number(edges, i, "to"), "x") -
				    number(nodes, (size_t)number(edges, k, "to"), "x");

			crossed += (f < 0) != (t < 0);
		}
	is_int(crossed, 0, "no edge crosses another");
	json_decref(o);
	dag_free(d);
	maker_release(&m);
}

int main(void)
{
	texts();
	json();
	crossings();
	return done_testing();
}
