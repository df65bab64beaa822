/* yaml_test.c - the tree of nodes: places, styles, masks, aliases, limits; what is refused is in the corpus */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap/tap.h"
#include "wdf-schema/yaml.h"

struct parsed {
	struct wdf_doc doc;
	struct wf_arena a;
	struct wdf_diags d;
	int rc;
};

static struct parsed *parse(const char *text)
{
	struct parsed *p = wf_xcalloc(1, sizeof(*p));

	p->rc = wdf_doc_parse(&p->doc, &p->a, text, strlen(text), &p->d);
	return p;
}

static void drop(struct parsed *p)
{
	wdf_diags_release(&p->d);
	wf_arena_release(&p->a);
	free(p);
}

static const char *place(const struct wdf_node *n)
{
	static char text[64];

	snprintf(text, sizeof(text), "%u:%u+%u", n->pos.line, n->pos.column, n->span);
	return text;
}

static void test_tree(void)
{
	struct parsed *p = parse("a: {b: [1, 'two', \"three\"], c: }\nd: |\n  x\n  y\ne: plain text # comment\n");
	const struct wdf_node *root = &p->doc.root, *b;

	is_int(p->rc, 0, "a small document");
	is_int(root->kind, WDF_NODE_MAP, "a mapping");
	is_int(root->count, 3, "of three");
	is_int(root->total, 9, "and nine nodes");
	b = wdf_node_get(wdf_node_get(root, "a"), "b");
	is_int(b->kind, WDF_NODE_LIST, "a list in it");
	is_str(place(&b->items[1]), "1:12+5", "place of a quoted item");
	ok(b->items[0].plain && !b->items[1].plain && !b->items[2].plain, "plain and quoted differ");
	is_str(b->items[2].text, "three", "text of a quoted item");
	ok(wdf_node_is_null(wdf_node_get(wdf_node_get(root, "a"), "c")), "nothing is null");
	is_str(wdf_node_get(root, "d")->text, "x\ny\n", "a block");
	ok(!wdf_node_get(root, "d")->plain, "is not plain");
	is_str(wdf_node_get(root, "e")->text, "plain text", "comments are none of it");
	is_str(place(wdf_node_get(root, "e")), "5:4+10", "its place");
	is_int(root->entries[2].pos.line, 5, "place of a key");
	ok(!wdf_node_get(root, "f") && !wdf_node_get(b, "a"), "no such key");
	drop(p);
}

static void test_masks(void)
{
	struct parsed *p = parse("# {{ comment }}\nx: {{ X }}\ny: \"a {{ \xc3\xa9 }} b {{ Y }}\"\nz: | # {{ c }}\n  l {{ Z }}\n"
				 "w: [{{ A }}, {{ B:04 }}]\nv: {k: {{ C }}}\nu: '{{ un closed'\nt: \xf4\x8f\x80\x80 own\n");
	const struct wdf_node *root = &p->doc.root;
	const struct wdf_node *y = wdf_node_get(root, "y"), *z = wdf_node_get(root, "z");

	is_int(p->rc, 0, "placeholders anywhere");
	is_str(wdf_node_get(root, "x")->text, "{{ X }}", "unquoted");
	ok(wdf_node_get(root, "x")->plain && wdf_node_get(root, "x")->masked, "is plain and masked");
	is_str(place(wdf_node_get(root, "x")), "2:4+7", "columns are kept");
	is_str(y->text, "a {{ \xc3\xa9 }} b {{ Y }}", "in quotes");
	is_int(p->doc.masks[y->total].column, 7, "place of the first of a scalar");
	is_int(p->doc.masks[y->total + 1].column, 17, "and of the second, after a character of two bytes");
	is_str(z->text, "l {{ Z }}\n", "in a block");
	is_int(p->doc.masks[z->total].line, 5, "its own line, not that of the block's comment");
	is_str(wdf_node_get(root, "w")->items[1].text, "{{ B:04 }}", "in a list");
	is_str(wdf_node_get(wdf_node_get(root, "v"), "k")->text, "{{ C }}", "before closing braces");
	is_str(wdf_node_get(root, "u")->text, "{{ un closed", "what does not close is text");
	is_str(wdf_node_get(root, "t")->text, "\xf4\x8f\x80\x80 own", "a character of the private plane survives");
	drop(p);
}

static void test_aliases(void)
{
	struct parsed *p = parse("a: &x [1, 2]\nb: *x\nc: {d: *x}\ne: &x 3\nf: *x\n");
	const struct wdf_node *root = &p->doc.root;

	is_int(p->rc, 0, "aliases");
	ok(wdf_node_get(root, "a")->items == wdf_node_get(root, "b")->items, "share what they stand for");
	is_int(root->total, 13, "and count as if they did not");
	is_str(wdf_node_get(root, "f")->text, "3", "the last anchor of a name counts");
	drop(p);
}

static void test_limits(void)
{
	struct wf_buf b = { 0 };
	struct parsed *p;

	for (int i = 0; i < 63; i++)
		wf_buf_char(&b, '[');
	wf_buf_str(&b, "x");
	for (int i = 0; i < 63; i++)
		wf_buf_char(&b, ']');
	p = parse(wf_buf_cstr(&b));
	is_int(p->rc, 0, "63 levels");
	drop(p);
	wf_buf_clear(&b);
	wf_buf_str(&b, "a: [");
	for (int i = 0; i < 1000000; i++)
		wf_buf_printf(&b, "%d,", i);
	wf_buf_str(&b, "]\nb: {");
	for (int i = 0; i < 200000; i++)
		wf_buf_printf(&b, "k%d: v,", i);
	wf_buf_str(&b, "}\n");
	p = parse(wf_buf_cstr(&b));
	is_int(p->rc, 0, "a list of a million and a mapping of two hundred thousand");
	is_int(p->doc.root.entries[0].value.count, 1000000, "all there");
	drop(p);
	b.len = 0;
	wf_buf_str(&b, "a: [");
	for (int i = 0; i < 2000000; i++)
		wf_buf_str(&b, "1,");
	wf_buf_str(&b, "]\n");
	p = parse(wf_buf_cstr(&b));
	is_int(p->rc, -1, "two million and a few are too many");
	is_str(p->d.items[0].code, "E0115", "by the node limit");
	drop(p);
	wf_buf_release(&b);
	{
		char *big = wf_xcalloc(WDF_MAX_BYTES + 2u, 1);

		memset(big, '#', WDF_MAX_BYTES + 1u);
		p = parse(big);
		is_int(p->rc, -1, "a byte more than 16 MiB");
		is_str(p->d.items[0].text, "file has 16777217 bytes, more than the limit of 16777216", "size and limit");
		drop(p);
		free(big);
	}
}

static void test_lower_limits(void)
{
	static const struct {
		struct wdf_limits limits;
		const char *text;
	} cases[] = {
		{ { .bytes = 5 }, "file has 18 bytes, more than the limit of 5" },
		{ { .depth = 1 }, "nested deeper than the depth limit 1" },
		{ { .nodes = 3 }, "node limit reached: more than 3 nodes after expanding aliases" },
		{ { .aliases = 1 }, "more than 1 aliases" },
		{ { .bytes = 1u << 30, .depth = 1000, .nodes = 1u << 30, .aliases = 1u << 30 }, NULL },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		struct wdf_doc doc = { .limits = &cases[i].limits };
		struct wf_arena a = { 0 };
		struct wdf_diags d = { 0 };
		int rc = wdf_doc_parse(&doc, &a, "a: [&x 1, *x, *x]\n", 18, &d);
		is_str(rc < 0 ? d.items[0].text : NULL, cases[i].text, "a site's limit %zu", i);
		wdf_diags_release(&d);
		wf_arena_release(&a);
	}
}

static void test_brackets(void)
{
	/* 100,000 levels must be refused at once, not after reading them all */
	struct wf_buf b = { 0 };
	struct parsed *p;

	for (int i = 0; i < 100000; i++)
		wf_buf_char(&b, '[');
	p = parse(wf_buf_cstr(&b));
	is_int(p->rc, -1, "100,000 levels of [");
	is_str(p->d.items[0].text, "nested deeper than the depth limit 64", "the limit");
	is_int(p->d.items[0].pos.column, 65, "and where it was passed");
	drop(p);
	wf_buf_release(&b);
}

static void test_findings(void)
{
	struct parsed *p = parse("a: \"x\x1b[31m\"\n");
	struct wf_buf out = { 0 };
	json_t *j;

	wdf_diags_text(&p->d, "f.yaml", "a: \"x\x1b[31m\"\n", 12, 0, &out);
	is_str(wf_buf_cstr(&out),
	       "f.yaml:1:6: error[E0103]: U+001B at byte offset 5: control character; remove it\n"
	       "    a: \"x?[31m\"\n         ^\n",
	       "a finding with its line; no control reaches the terminal");
	j = wdf_diags_json(&p->d);
	is_str(json_string_value(json_object_get(json_array_get(j, 0), "code")), "E0103", "as JSON");
	is_int(json_integer_value(json_object_get(json_array_get(j, 0), "column")), 6, "with its column");
	json_decref(j);
	drop(p);
	wf_buf_clear(&out);
	p = parse("a: 1\na: 2\n");
	wdf_diags_text(&p->d, "f", "a: 1\na: 2\n", 10, 1, &out);
	has_str(wf_buf_cstr(&out), "\033[31merror[E0109]\033[0m: duplicate key 'a'", "colour");
	has_str(wf_buf_cstr(&out), "note: first given here\n    a: 1", "the other place");
	{
		struct wf_err err = { 0 };

		wdf_diags_err(&p->d, "f", &err);
		is_str(err.text, "f:2:1: duplicate key 'a'", "the first as an error");
		is_int(err.code, WF_INVALID, "of its code");
	}
	drop(p);
	wf_buf_release(&out);
}

int main(void)
{
	test_tree();
	test_masks();
	test_aliases();
	test_limits();
	test_lower_limits();
	test_brackets();
	test_findings();
	return done_testing();
}
