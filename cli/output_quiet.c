/* output_quiet.c - owns the --quiet mode: ids and names alone, one a line. */
#include "cli/field.h"
#include "cli/output.h"

/* The member that names a thing of this kind. */
static const char *name_of(enum out_kind kind)
{
	switch (kind) {
	case OUT_RUN:
	case OUT_SUBMITTED:
	case OUT_STATUS:
	case OUT_RUNS:
	case OUT_TASKS:
	case OUT_TASK:
		return "id";
	case OUT_SERVICES:
	case OUT_CHECKS:
		return "name";
	case OUT_EVENTS:
		return "kind";
	case OUT_CONFIG:
		return "key";
	case OUT_ENGINE:
		return "socket";
	case OUT_VERSION:
		return "version";
	default:
		return NULL;
	}
}

static void show(struct out *out, enum out_kind kind, json_t *doc)
{
	const char *key = name_of(kind);

	(void)out;
	if (key && *field_str(doc, key))
		printf("%s\n", field_str(doc, key));
}

static void list_begin(struct out *out)
{
	(void)out;
}

static void list_page(struct out *out, json_t *items)
{
	size_t i;
	json_t *item;

	json_array_foreach(items, i, item)
		show(out, out->listing, item);
}

static void list_end(struct out *out, const char *next)
{
	(void)out;
	(void)next;
}

const struct out_ops out_quiet = {
	.show = show,
	.list_begin = list_begin,
	.list_page = list_page,
	.list_end = list_end,
	.stream = show,
};
