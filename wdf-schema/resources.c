/* resources.c - owns `resources`, `retry`, `slurm` and `location`. Knows nothing of steps and services. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/read.h"

/* ---- resources ------------------------------------------------------------------------------------------ */

enum { MOST_NODES = 1000000, MOST_RANKS = 100000000, MOST_CPUS = 100000 };

static void read_count(struct wdf_load *l, const struct wdf_entry *e, int64_t min, int64_t max, uint32_t *to)
{
	int64_t v;

	if (wdf_read_int(l, e, min, max, &v) == 0)
		*to = (uint32_t)v;
}

static void read_nodes(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_count(l, e, 1, MOST_NODES, &((struct wdf_resources *)to)->nodes);
}

static void read_ranks(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_count(l, e, 1, MOST_RANKS, &((struct wdf_resources *)to)->ranks);
}

static void read_cpus(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_count(l, e, 1, MOST_CPUS, &((struct wdf_resources *)to)->cpus);
}

static void read_gpus(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_count(l, e, 0, MOST_CPUS, &((struct wdf_resources *)to)->gpus);
}

static void read_memory(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	uint64_t bytes;

	if (wdf_read_size(l, e, &bytes) < 0)
		return;
	((struct wdf_resources *)to)->memory = bytes;
	if (bytes > 0 && bytes < 1u << 20 && e->value.text[strspn(e->value.text, "0123456789")] == '\0')
		wdf_hint(wdf_find(l->d, WDF_W_MEMORY, e->value.pos, e->value.span, "'memory' is %llu bytes",
				  (unsigned long long)bytes),
			 "did you mean '%lluM'?", (unsigned long long)bytes);
}

static void read_time(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_time(l, e, &((struct wdf_resources *)to)->time_ms);
}

static void read_storage(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_size(l, e, &((struct wdf_resources *)to)->storage);
}

static void read_exclusive(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_bool(l, e, &((struct wdf_resources *)to)->exclusive);
}

static const struct wdf_key resource_keys[] = {
	{ "nodes", read_nodes },   { "ranks", read_ranks }, { "tasks", read_ranks },	 { "cpus", read_cpus },
	{ "gpus", read_gpus },	   { "memory", read_memory }, { "time", read_time }, { "storage", read_storage },
	{ "exclusive", read_exclusive },
};

void wdf_load_resources(struct wdf_load *l, const struct wdf_entry *e, struct wdf_resources *to)
{
	const struct wdf_node *ranks, *tasks;

	if (!wdf_is_map(l, e, "{cpus: 2, memory: 4GiB, time: 10m}"))
		return;
	wdf_read_map(l, &e->value, "'resources'", resource_keys, WF_COUNT(resource_keys), to);
	ranks = wdf_node_get(&e->value, "ranks");
	tasks = wdf_node_get(&e->value, "tasks");
	if (ranks && tasks)
		wdf_hint(wdf_find(l->d, WDF_EXCLUSIVE, tasks->pos, tasks->span,
				  "'tasks' and 'ranks' are two words for one thing"),
			 "remove one");
}

/* ---- retry ------------------------------------------------------------------------------------------------- */

static void read_factor(struct wdf_load *l, const struct wdf_entry *e, double *to)
{
	const char *text;
	char *end;
	double v;

	if (wdf_read_text(l, e, WDF_TEXT_FREE, &text) < 0)
		return;
	v = *text == 'x' && text[1] >= '0' && text[1] <= '9' ? strtod(text + 1, &end) : 0;
	if (v < 1 || v > 100 || *end || strspn(text + 1, "0123456789.") != strlen(text + 1)) {
		char shown[WDF_SHOWN];

		wdf_find(l->d, WDF_NUMBER, e->value.pos, e->value.span,
			 "'%s' must be a factor from x1 to x100, such as x2 or x1.5, found '%s'", e->key,
			 wdf_shown(text, strlen(text), shown));
		return;
	}
	*to = v;
}

static void grow_memory(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_factor(l, e, &((struct wdf_retry *)to)->grow_memory);
}

static void grow_time(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_factor(l, e, &((struct wdf_retry *)to)->grow_time);
}

static void max_memory(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_size(l, e, &((struct wdf_retry *)to)->max_memory);
}

static void max_time(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_time(l, e, &((struct wdf_retry *)to)->max_time_ms);
}

static void grow_max(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const struct wdf_key keys[] = { { "memory", max_memory }, { "time", max_time } };

	if (wdf_is_map(l, e, "{memory: 64GiB, time: 4h}"))
		wdf_read_map(l, &e->value, "'max'", keys, WF_COUNT(keys), to);
}

static void retry_limit(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	read_count(l, e, 0, 1000, &((struct wdf_retry *)to)->limit);
}

static void retry_backoff(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_time(l, e, &((struct wdf_retry *)to)->backoff_ms);
}

static void retry_grow(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const struct wdf_key keys[] = { { "memory", grow_memory }, { "time", grow_time }, { "max", grow_max } };

	if (wdf_is_map(l, e, "{memory: x2, time: x2}"))
		wdf_read_map(l, &e->value, "'grow'", keys, WF_COUNT(keys), to);
}

/* "exit:75" */
static int read_exit(struct wdf_load *l, const struct wdf_entry *e, const char *text, int32_t *exits, uint32_t *count)
{
	const char *digits = text + 5;

	if (strncmp(text, "exit:", 5) != 0)
		return 0;
	if (!*digits || strlen(digits) > 3 || digits[strspn(digits, "0123456789")] || atoi(digits) > 255 ||
	    atoi(digits) < 1) {
		char shown[WDF_SHOWN];

		wdf_find(l->d, WDF_INTEGER, e->value.pos, e->value.span, "'exit:N' needs N from 1 to 255, found '%s'",
			 wdf_shown(digits, strlen(digits), shown));
	} else {
		exits[(*count)++] = atoi(digits);
	}
	return 1;
}

static void retry_classes(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_retry *r = to;
	const char *names[WF_CLASS_COUNT + 1];
	int32_t *exits;
	size_t n = 0;

	if (!wdf_is_list(l, e, "[timeout, node_failure, \"exit:75\"]"))
		return;
	for (int i = 0; i < WF_CLASS_COUNT; i++)
		if (i != WF_CLASS_OK)
			names[n++] = wf_class_name((enum wf_class)i);
	names[n++] = "all";
	exits = wf_arena_alloc(l->a, e->value.count * sizeof(*exits));
	r->classes = 0;
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);
		char shown[WDF_SHOWN];
		const char *text;
		int c;

		if (wdf_read_text(l, &item, WDF_TEXT_STRICT, &text) < 0 ||
		    read_exit(l, &item, text, exits, &r->exit_count))
			continue;
		c = wf_class_of(text);
		if (strcmp(text, "all") == 0)
			r->classes = UINT32_MAX;
		else if (c > 0 && c != WF_CLASS_OK)
			r->classes |= 1u << c;
		else
			wdf_hint_names(wdf_find(l->d, WDF_CHOICE, item.value.pos, item.value.span,
						"no class of failure is called '%s'",
						wdf_shown(text, strlen(text), shown)),
				       text, names, n);
	}
	r->exits = exits;
}

void wdf_load_retry(struct wdf_load *l, const struct wdf_entry *e, struct wdf_retry *to)
{
	static const struct wdf_key keys[] = {
		{ "limit", retry_limit }, { "backoff", retry_backoff }, { "classes", retry_classes }, { "grow", retry_grow }
	};

	if (wdf_is_map(l, e, "{limit: 3, backoff: 10s}"))
		wdf_read_map(l, &e->value, "'retry'", keys, WF_COUNT(keys), to);
}

/* ---- slurm --------------------------------------------------------------------------------------------------- */

/* Long options of sbatch that are a user's to choose. */
static const char *const slurm_options[] = {
	"acctg-freq", "batch", "bb", "bbf", "begin", "cluster-constraint", "clusters", "constraint", "container",
	"contiguous", "core-spec", "cores-per-socket", "cpu-freq", "cpus-per-gpu", "deadline", "delay-boot",
	"distribution", "exclude", "exclusive", "extra-node-info", "gpu-bind", "gpu-freq", "gpus", "gpus-per-node",
	"gpus-per-socket", "gpus-per-task", "hint", "licenses", "mail-type", "mail-user", "mcs-label", "mem-bind",
	"mem-per-cpu", "mem-per-gpu", "mincpus", "network", "nice", "nodelist", "ntasks-per-core", "ntasks-per-gpu",
	"ntasks-per-node", "ntasks-per-socket", "overcommit", "oversubscribe", "power", "prefer", "priority", "profile",
	"propagate", "reboot", "signal", "sockets-per-node", "spread-job", "switches", "thread-spec",
	"threads-per-core", "time-min", "tmp", "tres-bind", "tres-per-task", "use-min-nodes", "wckey",
};
/* ... and those that belong to wf, with the key to use instead. */
static const char *const engine_options[][2] = {
	{ "account", "slurm: {account: ...}" },	  { "array", "foreach" },
	{ "chdir", "workdir" },			  { "comment", "labels" },
	{ "cpus-per-task", "resources: {cpus: N}" }, { "dependency", "after" },
	{ "error", "stderr" },			  { "export", "env" },
	{ "export-file", "env" },		  { "get-user-env", "setup" },
	{ "gid", "nothing" },			  { "gres", "slurm: {gres: ...}" },
	{ "hold", "wf pause" },			  { "input", "a redirection in the command" },
	{ "job-name", "the step's name" },	  { "kill-on-invalid-dep", "after" },
	{ "mem", "resources: {memory: SIZE}" },	  { "no-kill", "retry" },
	{ "no-requeue", "retry" },		  { "nodes", "resources: {nodes: N}" },
	{ "ntasks", "resources: {ranks: N}" },	  { "open-mode", "stdout" },
	{ "output", "stdout" },			  { "parsable", "nothing" },
	{ "partition", "slurm: {partition: ...}" }, { "qos", "slurm: {qos: ...}" },
	{ "quiet", "nothing" },			  { "requeue", "retry" },
	{ "reservation", "slurm: {reservation: ...}" }, { "test-only", "wf plan" },
	{ "time", "resources: {time: TIME}" },	  { "uid", "nothing" },
	{ "wait", "wf wait" },			  { "wait-all-nodes", "nothing" },
	{ "wrap", "command" },
};

static void check_option(struct wdf_load *l, const struct wdf_entry *e, const char *name, size_t n)
{
	char word[65], shown[WDF_SHOWN];

	snprintf(word, sizeof(word), "%.*s", (int)(n < 64 ? n : 64), name);
	for (size_t i = 0; i < WF_COUNT(slurm_options); i++)
		if (strcmp(slurm_options[i], word) == 0)
			return;
	for (size_t i = 0; i < WF_COUNT(engine_options); i++)
		if (strcmp(engine_options[i][0], word) == 0) {
			wdf_hint(wdf_find(l->d, WDF_CHOICE, e->value.pos, e->value.span,
					  "Slurm's option '--%s' is set by wf", word),
				 "use %s", engine_options[i][1]);
			return;
		}
	wdf_hint_names(wdf_find(l->d, WDF_CHOICE, e->value.pos, e->value.span, "unknown option '--%s' of Slurm",
				wdf_shown(name, n, shown)),
		       word, slurm_options, WF_COUNT(slurm_options));
}

/* [--exclusive, "--mail-type=END"] or {mail-type: END} */
static void check_options(struct wdf_load *l, const struct wdf_entry *e)
{
	if (e->value.kind == WDF_NODE_MAP) {
		for (uint32_t i = 0; i < e->value.count; i++) {
			struct wdf_entry key = e->value.entries[i];

			key.value.pos = key.pos;
			key.value.span = key.span;
			check_option(l, &key, key.key, strlen(key.key));
		}
		return;
	}
	if (!wdf_is_list(l, e, "[\"--mail-type=END\"]"))
		return;
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);
		const char *text;

		if (wdf_read_text(l, &item, WDF_TEXT_STRICT, &text) < 0)
			continue;
		if (strncmp(text, "--", 2) != 0)
			wdf_hint(wdf_find(l->d, WDF_CHOICE, item.value.pos, item.value.span,
					  "an option of Slurm begins with '--'"),
				 "write it like --mail-type=END");
		else
			check_option(l, &item, text + 2, strcspn(text + 2, "="));
	}
}

static void check_slurm_text(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	const char *text;

	(void)to;
	wdf_read_text(l, e, WDF_TEXT_FREE, &text);
}

static void check_slurm_options(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	(void)to;
	check_options(l, e);
}

json_t *wdf_load_slurm(struct wdf_load *l, const struct wdf_entry *e)
{
	static const struct wdf_key keys[] = {
		{ "account", check_slurm_text },  { "partition", check_slurm_text }, { "qos", check_slurm_text },
		{ "constraint", check_slurm_text }, { "gres", check_slurm_text },    { "licenses", check_slurm_text },
		{ "reservation", check_slurm_text }, { "exclude", check_slurm_text }, { "options", check_slurm_options },
	};

	if (!wdf_is_map(l, e, "{partition: compute}"))
		return NULL;
	wdf_read_map(l, &e->value, "'slurm'", keys, WF_COUNT(keys), NULL);
	return wdf_read_json(l, e, WDF_JSON_RESOLVED);
}

json_t *wdf_load_location(struct wdf_load *l, const struct wdf_entry *e)
{
	const char *text;

	if (e->value.kind == WDF_NODE_LIST) {
		for (uint32_t i = 0; i < e->value.count; i++) {
			struct wdf_entry item = wdf_item(e, i);

			wdf_read_text(l, &item, WDF_TEXT_STRICT, &text);
		}
	} else if (wdf_read_text(l, e, WDF_TEXT_STRICT, &text) < 0) {
		return NULL;
	}
	return wdf_read_json(l, e, WDF_JSON_RESOLVED);
}
