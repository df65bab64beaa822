/* output_human.c - owns which layout belongs to which kind; the layouts are in show_*.c. */
#include "cli/output.h"
#include "cli/show.h"

static const struct {
	void (*one)(struct out *out, json_t *doc);
	void (*list)(struct out *out, json_t *items);
} layouts[OUT_KIND_COUNT] = {
	[OUT_RUN] = { .one = show_run },
	[OUT_SUBMITTED] = { .one = show_submitted },
	[OUT_STATUS] = { .one = show_status },
	[OUT_OVERVIEW] = { .one = show_overview },
	[OUT_RUNS] = { .list = show_runs },
	[OUT_TASKS] = { .list = show_tasks },
	[OUT_TASK] = { .one = show_task },
	[OUT_WHY] = { .one = show_why },
	[OUT_SERVICES] = { .list = show_services },
	[OUT_EVENTS] = { .one = show_event, .list = show_events },
	[OUT_ENGINE] = { .one = show_engine },
	[OUT_BACKUP] = { .one = show_backup },
	[OUT_CONFIG] = { .list = show_config },
	[OUT_CHECKS] = { .list = show_checks },
	[OUT_PLAN] = { .one = show_plan },
	[OUT_VERSION] = { .one = show_version },
};

static void show(struct out *out, enum out_kind kind, json_t *doc)
{
	WF_ASSERT(layouts[kind].one);
	layouts[kind].one(out, doc);
}

static void list_begin(struct out *out)
{
	WF_ASSERT(layouts[out->listing].list);
}

static void list_page(struct out *out, json_t *items)
{
	if (json_array_size(items))
		layouts[out->listing].list(out, items);
}

static void list_end(struct out *out, const char *next)
{
	if (next)
		out_say(out, "%zu shown, there are more; see --limit", out->listed);
}

const struct out_ops out_human = {
	.show = show,
	.list_begin = list_begin,
	.list_page = list_page,
	.list_end = list_end,
	.stream = show,
};
