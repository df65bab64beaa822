/* render_test.c - what placeholders mean beside a member */
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "services/render.h"
#include "tests/tap/tap.h"

static const char *const spec_text =
	"{'version':1,'run':'01r','run_name':'demo','service':{'name':'db','type':'X','attributes':{'memory':'2GiB','wait':'1500ms',"
	"'trees':'{{ seed }}','mode':'{{ mode }}'},'spec':null},'driver':'/d/driver.yaml','generation':3,'view':4,"
	"'member':{'n':0,'role':'founder','dir':'/m','host':'127.0.0.1'},'params':{'mode':'quick','seed':12,'list':[1,'two'],"
	"'service':'mine'},'workdir':'/w','endpoint_file':null,'lease':{'secret':'s'}}";

static json_t *json_of(const char *text)
{
	struct wf_err err;
	char *copy = wf_xstrdup(text), *p;
	json_t *v;

	for (p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	v = wf_json_parse(copy, strlen(copy), &err);
	if (!v)
		bail("%s", err.text);
	free(copy);
	return v;
}

static struct wdf_attribute attributes[] = {
	{ .name = "memory", .type = WDF_A_SIZE },
	{ .name = "wait", .type = WDF_A_TIME },
	{ .name = "trees", .type = WDF_A_LIST },
	{ .name = "mode", .type = WDF_A_STRING },
	{ .name = "port", .type = WDF_A_INTEGER, .min = 1, .max = 9 },
	{ .name = "must", .type = WDF_A_STRING, .required = 1 },
};

static void test_spec(void)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{ "[]", "one JSON object" },
		{ "{}", "version" },
		{ "{'version':2}", "version 2 of a member's file is not known" },
		{ "{'version':1}", "'service' must be an object" },
		{ "{'version':1,'service':{},'member':{}}", "name" },
		{ "{'version':1,'service':{'name':'a','type':'X','attributes':{}},'member':{'n':0,'dir':'m','host':'h'}}",
		  "'member.dir' must be an absolute path" },
	};
	struct wf_err err;
	struct member_spec s;

	for (size_t i = 0; i < WF_COUNT(bad); i++) {
		json_t *v = json_of(bad[i].text);

		err.text[0] = '\0';
		ok(member_spec_parse(&s, v, &err) < 0, "a member's file that is wrong (%zu)", i);
		has_str(err.text, bad[i].error, "  says why");
		json_decref(v);
	}
}

static void test_roots(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "{{ service.name }}-{{ member.n }}", "db-0" },
		{ "{{ service.generation }}/{{ view.number }}", "3/4" },
		{ "{{ service.workdir }}{{ member.dir }}", "/w/m" },
		{ "{{ attributes.memory }}", "2147483648" },
		{ "{{ attributes.wait }}", "1.500" },
		{ "{{ attributes.trees | join }}", "12" },
		{ "{{ mode }} {{ seed:04 }}", "quick 0012" },
		{ "{{ list | join }}", "1 two" },
		{ "{{ attributes.mode }}", "quick" },
		{ "{{ lease.secret }}", "s" },
	};
	struct wdf_driver d = { .type = "X", .attributes = attributes, .attribute_count = 4 };
	struct wf_err err = { 0 };
	struct member_spec s;
	json_t *v = json_of(spec_text), *roots, *tree, *made;
	char *text;

	if (member_spec_parse(&s, v, &err) < 0)
		bail("%s", err.text);
	json_decref(v);
	roots = roots_create(&s, &d, &err);
	if (!roots)
		bail("%s", err.text);
	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		text = render_text(cases[i].text, roots, &err);
		is_str(text, cases[i].want, "%s", cases[i].text);
		free(text);
	}
	ok(!render_text("{{ member.unix }}", roots, &err), "a field that is not known yet is an error");
	has_str(err.text, "unix", "  which names it");
	ok(!render_text("{{ nobody }}", roots, &err), "so is a name nobody knows");
	roots_set(roots, "member", "unix", json_string("/s/{{ mode }}"));
	text = render_text("{{ member.unix }}", roots, &err);
	is_str(text, "/s/{{ mode }}", "what a value holds is never looked at again");
	free(text);

	tree = json_of("{'a':['{{ mode }}',3,true],'b':{'c':'{{ service.name }}'}}");
	made = render_tree(tree, roots, &err);
	text = json_dumps(made, JSON_COMPACT | JSON_SORT_KEYS);
	is_str(text, "{\"a\":[\"quick\",3,true],\"b\":{\"c\":\"db\"}}", "a tree");
	free(text);
	json_decref(made);
	json_decref(tree);
	tree = json_of("{'a':{'b':['{{ nobody }}']}}");
	ok(!render_tree(tree, roots, &err), "an error inside a tree");
	has_str(err.text, "a: b: ", "  says where");
	ok(render_mentions(tree, "nobody") && !render_mentions(tree, "somebody"), "names are found in a tree");
	json_decref(tree);

	json_decref(roots);
	d.attribute_count = 6;
	ok(!roots_create(&s, &d, &err), "a required attribute that is missing");
	has_str(err.text, "attribute 'must' is required", "  is an error");
	json_object_set_new(s.attributes, "port", json_integer(10));
	ok(!roots_create(&s, &d, &err), "an attribute out of its range");
	has_str(err.text, "from 1 to 9", "  is an error");
	member_spec_release(&s);
}

int main(void)
{
	test_spec();
	test_roots();
	return done_testing();
}
