/* output_json.c - owns the --json mode: the documents as the interface gave them, one document on standard output. */
#include "cli/output.h"

static void document(json_t *doc, size_t flags)
{
	json_dumpf(doc, stdout, flags | JSON_ENCODE_ANY);
	putchar('\n');
}

static void show(struct out *out, enum out_kind kind, json_t *doc)
{
	(void)out;
	(void)kind;
	document(doc, JSON_INDENT(2));
}

static void list_begin(struct out *out)
{
	(void)out;
	fputs("{\"items\": [", stdout);
}

static void list_page(struct out *out, json_t *items)
{
	size_t i, before = out->listed;
	json_t *item;

	json_array_foreach(items, i, item) {
		fputs(before + i ? ",\n  " : "\n  ", stdout);
		json_dumpf(item, stdout, JSON_ENCODE_ANY);
	}
}

static void list_end(struct out *out, const char *next)
{
	json_t *v = next ? json_string(next) : json_null();

	fputs(out->listed ? "\n],\n\"next\": " : "],\n\"next\": ", stdout);
	json_dumpf(v, stdout, JSON_ENCODE_ANY);
	fputs("}\n", stdout);
	json_decref(v);
}

static void stream(struct out *out, enum out_kind kind, json_t *item)
{
	(void)out;
	(void)kind;
	document(item, JSON_COMPACT);
}

const struct out_ops out_json = {
	.show = show,
	.list_begin = list_begin,
	.list_page = list_page,
	.list_end = list_end,
	.stream = stream,
};
