/* step.c - owns the keys of a step and what they are when not given. What a step does is work.c's, values of its
 * fan-out fanout.c's. */
#include <stdio.h>
#include <string.h>

#include "wdf-schema/command.h"
#include "wdf-schema/read.h"

struct reading {
	struct wdf_step *s;
	const struct wdf_entry *foreach, *after, *services, *timeout, *components, *ends_with, *stderr_path;
};

static void step_name(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	(void)l; /* read before all others, when the names were gathered */
	(void)e;
	(void)to;
}

static void step_workdir(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_tmpl(l, e, &((struct reading *)to)->s->workdir);
}

static void step_env(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_load_env(l, e, ((struct reading *)to)->s);
}

static void step_foreach(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	(void)l;
	((struct reading *)to)->foreach = e; /* after `zip` */
}

static void step_zip(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_bool(l, e, &((struct reading *)to)->s->zip);
}

static void step_parallel(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	int64_t v;

	if (wdf_read_int(l, e, 0, INT32_MAX, &v) == 0)
		((struct reading *)to)->s->parallel = (uint32_t)v;
}

/* 3, or 1.5% */
static void step_tolerate(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_step *s = ((struct reading *)to)->s;
	uint32_t whole = 0, part = 0;
	char shown[WDF_SHOWN];
	const char *text;
	size_t n, digits = 0;
	int64_t v;

	if (e->value.kind != WDF_NODE_SCALAR || !strchr(e->value.text, '%')) {
		if (wdf_read_int(l, e, 0, INT32_MAX, &v) == 0)
			s->tolerate = (uint32_t)v;
		return;
	}
	if (wdf_read_text(l, e, WDF_TEXT_FREE, &text) < 0)
		return;
	n = strspn(text, "0123456789");
	for (size_t i = 0; i < n && i < 4; i++)
		whole = whole * 10 + (uint32_t)(text[i] - '0');
	if (n && text[n] == '.')
		for (; digits < 2 && text[n + 1 + digits] >= '0' && text[n + 1 + digits] <= '9'; digits++)
			part += (uint32_t)(text[n + 1 + digits] - '0') * (digits ? 1 : 10);
	if (!n || n > 3 || strcmp(text + n + (digits ? digits + 1 : 0), "%") != 0 || whole * 100 + part > 10000) {
		wdf_find(l->d, WDF_NUMBER, e->value.pos, e->value.span,
			 "'tolerate' must be a number of tasks, or 0%% to 100%%, found '%s'",
			 wdf_shown(text, strlen(text), shown));
		return;
	}
	s->tolerate = whole * 100 + part;
	s->tolerate_percent = 1;
}

static void step_if_empty(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "skip", "run", NULL };
	int word;

	if (wdf_read_choice(l, e, words, &word) == 0)
		((struct reading *)to)->s->if_empty_run = (uint8_t)word;
}

static void step_after(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_step *s = ((struct reading *)to)->s;

	wdf_load_after(l, e, 0, &s->after, &s->after_count);
}

static void step_when(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	const struct wdf_node *n = &e->value;
	struct wdf_pos pos = n->pos;

	if (n->kind != WDF_NODE_SCALAR) {
		wdf_wrong_kind(l, e, "an expression");
		return;
	}
	pos.column += !n->plain;
	((struct reading *)to)->s->when = wdf_expr_parse(l->a, n->text, pos, l->d);
}

static void read_paths(struct wdf_load *l, const struct wdf_entry *e, struct wdf_tmpl **to, uint32_t *count)
{
	if (!wdf_is_list(l, e, "[in.dat, out.dat]"))
		return;
	*to = wf_arena_alloc(l->a, e->value.count * sizeof(**to));
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);

		if (item.value.kind == WDF_NODE_SCALAR && !item.value.count) {
			wdf_find(l->d, WDF_EMPTY_VALUE, item.pos, 1, "a path in '%s' is empty", e->key);
			continue;
		}
		if (wdf_read_tmpl(l, &item, &(*to)[*count]) == 0)
			++*count;
	}
}

static void step_inputs(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_step *s = ((struct reading *)to)->s;

	read_paths(l, e, &s->inputs, &s->input_count);
}

static void step_outputs(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_step *s = ((struct reading *)to)->s;

	read_paths(l, e, &s->outputs, &s->output_count);
}

static void step_update(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_bool(l, e, &((struct reading *)to)->s->update);
}

static void step_results(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_step *s = ((struct reading *)to)->s;
	char shown[WDF_SHOWN];

	if (!wdf_is_list(l, e, "[count]") || !wdf_is_few(l, e, WDF_MOST_RESULTS))
		return;
	s->results = wf_arena_alloc(l->a, e->value.count * sizeof(*s->results));
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);
		const char *name;

		if (wdf_read_text(l, &item, WDF_TEXT_STRICT, &name) < 0)
			continue;
		if (wdf_param_name_ok(name))
			s->results[s->result_count++] = name;
		else
			wdf_hint(wdf_find(l->d, WDF_NAME, item.value.pos, item.value.span, "'%s' is not a key of a result",
					  wdf_shown(name, strlen(name), shown)),
				 "a letter, then letters, digits and '_'");
	}
}

static void step_success_codes(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct wdf_step *s = ((struct reading *)to)->s;
	int32_t *codes;
	uint32_t n = 0;

	if (!wdf_is_list(l, e, "[0, 3]"))
		return;
	if (!e->value.count) {
		wdf_find(l->d, WDF_EMPTY_VALUE, e->value.pos, e->value.span, "'success_codes' is empty: nothing could succeed");
		return;
	}
	codes = wf_arena_alloc(l->a, e->value.count * sizeof(*codes));
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);
		int64_t v;

		if (wdf_read_int(l, &item, 0, 255, &v) == 0)
			codes[n++] = (int32_t)v;
	}
	if (n) {
		s->success_codes = codes;
		s->success_code_count = n;
	}
}

static void step_resources(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_load_resources(l, e, &((struct reading *)to)->s->resources);
}

static void step_launch(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "once", "ranks", NULL };
	int word;

	if (wdf_read_choice(l, e, words, &word) == 0)
		((struct reading *)to)->s->launch_ranks = (uint8_t)(word + 1); /* see finish */
}

static void step_timeout(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct reading *r = to;

	if (wdf_read_time(l, e, &r->s->timeout_ms) == 0)
		r->timeout = e;
}

static void step_retry(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_load_retry(l, e, &((struct reading *)to)->s->retry);
}

static void step_on_unknown(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "hold", "fail", "rerun", NULL };
	int word;

	if (wdf_read_choice(l, e, words, &word) == 0)
		((struct reading *)to)->s->on_unknown = (enum wdf_on_unknown)word;
}

static void step_priority(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	int64_t v;

	if (wdf_read_int(l, e, -1000000, 1000000, &v) == 0)
		((struct reading *)to)->s->priority = (int32_t)v;
}

static void step_pool(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	char shown[WDF_SHOWN];
	const char *name;
	uint32_t i;

	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &name) < 0)
		return;
	i = wf_strmap_get(&l->pools, name);
	if (i == WF_STRMAP_NONE)
		wdf_hint_names(wdf_find(l->d, WDF_NO_POOL, e->value.pos, e->value.span, "no pool '%s'",
					wdf_shown(name, strlen(name), shown)),
			       name, l->pool_list, l->w->pool_count);
	else
		((struct reading *)to)->s->pool = i;
}

static void step_executor(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "local", "slurm", NULL };
	int word;

	if (wdf_read_choice(l, e, words, &word) == 0)
		((struct reading *)to)->s->executor = words[word];
}

static void step_slurm(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	((struct reading *)to)->s->slurm = wdf_load_slurm(l, e);
}

static void step_location(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	((struct reading *)to)->s->location = wdf_load_location(l, e);
}

/* auto, no, or a number of tasks */
static void step_pack(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	const char *text = e->value.kind == WDF_NODE_SCALAR ? e->value.text : "";
	int64_t v;

	if (strcmp(text, "auto") == 0 || strcmp(text, "no") == 0)
		((struct reading *)to)->s->pack = json_string(text);
	else if (e->value.kind == WDF_NODE_SCALAR && !e->value.masked && wdf_plain_of(text) == WDF_PLAIN_TEXT)
		wdf_hint(wdf_find(l->d, WDF_CHOICE, e->value.pos, e->value.span, "'pack' cannot be '%.40s'", text),
			 "auto, no, or how many tasks");
	else if (wdf_read_int(l, e, 1, INT32_MAX, &v) == 0)
		((struct reading *)to)->s->pack = json_integer(v);
}

static void step_submit(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "ahead", "ready", NULL };
	int word;

	if (wdf_read_choice(l, e, words, &word) == 0)
		((struct reading *)to)->s->submit_ready = (uint8_t)word;
}

static void step_components(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	(void)l;
	((struct reading *)to)->components = e; /* after `ends_with` */
}

static void step_ends_with(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct reading *r = to;

	r->ends_with = e;
	wdf_read_text(l, e, WDF_TEXT_STRICT, &r->s->ends_with);
}

static void container_text(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	const char *text;

	(void)to;
	wdf_read_text(l, e, WDF_TEXT_STRICT, &text);
}

static void step_container(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const struct wdf_key keys[] = { { "image", container_text }, { "runtime", container_text } };

	if (!wdf_is_map(l, e, "{image: tools.sif, runtime: apptainer}"))
		return;
	wdf_read_map(l, &e->value, "'container'", keys, WF_COUNT(keys), NULL);
	if (!wdf_node_get(&e->value, "image"))
		wdf_missing(l, &e->value, "image", "'container'");
	((struct reading *)to)->s->container = wdf_read_json(l, e, WDF_JSON_RESOLVED);
}

static void step_services(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_load_uses(l, e, ((struct reading *)to)->s);
}

static void step_stdout(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_tmpl(l, e, &((struct reading *)to)->s->stdout_path);
}

static void step_stderr(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	wdf_read_tmpl(l, e, &((struct reading *)to)->s->stderr_path);
}

static void step_output_limit(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	uint64_t bytes;

	if (wdf_read_size(l, e, &bytes) < 0)
		return;
	((struct reading *)to)->s->output_limit = bytes;
	if (!bytes)
		wdf_find(l->d, WDF_SIZE, e->value.pos, e->value.span, "'output_limit' cannot be 0");
}

static void step_labels(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	if (!wdf_is_map(l, e, "{project: fracture}"))
		return;
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry v = e->value.entries[i];
		const char *text;

		wdf_read_text(l, &v, WDF_TEXT_FREE, &text);
	}
	((struct reading *)to)->s->labels = wdf_read_json(l, e, WDF_JSON_RESOLVED);
}

static void step_call(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	if (e->value.kind == WDF_NODE_LIST)
		wdf_wrong_kind(l, e, "a file or a mapping");
	else
		((struct reading *)to)->s->call = wdf_read_json(l, e, WDF_JSON_RAW);
}

static void step_move(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	if (wdf_is_map(l, e, NULL))
		((struct reading *)to)->s->move = wdf_read_json(l, e, WDF_JSON_RAW);
}

const struct wdf_key wdf_step_keys[] = {
	{ "name", step_name },
	{ "command", NULL }, /* these four: work.c */
	{ "argv", NULL },
	{ "shell", NULL },
	{ "setup", NULL },
	{ "call", step_call },
	{ "move", step_move },
	{ "components", step_components },
	{ "ends_with", step_ends_with },
	{ "workdir", step_workdir },
	{ "env", step_env },
	{ "foreach", step_foreach },
	{ "zip", step_zip },
	{ "parallel", step_parallel },
	{ "tolerate", step_tolerate },
	{ "if_empty", step_if_empty },
	{ "after", step_after },
	{ "when", step_when },
	{ "inputs", step_inputs },
	{ "outputs", step_outputs },
	{ "update", step_update },
	{ "results", step_results },
	{ "success_codes", step_success_codes },
	{ "resources", step_resources },
	{ "launch", step_launch },
	{ "timeout", step_timeout },
	{ "retry", step_retry },
	{ "on_unknown", step_on_unknown },
	{ "priority", step_priority },
	{ "pool", step_pool },
	{ "executor", step_executor },
	{ "slurm", step_slurm },
	{ "location", step_location },
	{ "pack", step_pack },
	{ "submit", step_submit },
	{ "container", step_container },
	{ "services", step_services },
	{ "stdout", step_stdout },
	{ "stderr", step_stderr },
	{ "output_limit", step_output_limit },
	{ "labels", step_labels },
};
const size_t wdf_step_key_count = WF_COUNT(wdf_step_keys);

/* ---- what follows from several keys ------------------------------------------------------------------------ */

static void set_defaults(struct wdf_load *l, struct wdf_step *s)
{
	static const int32_t zero[] = { 0 };

	s->resources.nodes = s->resources.ranks = s->resources.cpus = 1;
	s->retry.classes = UINT32_MAX;
	s->retry.grow_memory = s->retry.grow_time = 1;
	s->success_codes = zero;
	s->success_code_count = 1;
	s->pool = WDF_NONE;
	s->output_limit = 1u << 30;
	s->submit_ready = (uint8_t)l->submit_ready;
}

static int is_launcher(const char *program)
{
	const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;

	return strcmp(name, "srun") == 0 || strcmp(name, "mpirun") == 0 || strcmp(name, "mpiexec") == 0;
}

/* `launch`: as said; else once per rank, unless the command has shell syntax or begins with a launcher. */
static void set_launch(struct wdf_step *s)
{
	const char *program = s->command ? wdf_command_program(s->command) : NULL;

	if (s->launch_ranks)
		s->launch_ranks--;
	else
		s->launch_ranks = s->resources.ranks > 1 && s->command && s->command->kind == WDF_COMMAND_DIRECT &&
				  !(program && is_launcher(program));
}

static void check_work(struct wdf_load *l, const struct wdf_node *n)
{
	static const char *const kinds[] = { "command", "argv", "call", "move", "components" };
	const struct wdf_entry *first = NULL;

	for (uint32_t i = 0; i < n->count; i++)
		for (size_t k = 0; k < WF_COUNT(kinds); k++) {
			const struct wdf_entry *e = &n->entries[i];

			if (strcmp(e->key, kinds[k]) != 0)
				continue;
			if (first)
				wdf_related(wdf_find(l->d, WDF_EXCLUSIVE, e->pos, e->span, "'%s' beside '%s' in %s", e->key,
						     first->key, l->what),
					    first->pos, "a step has one of command, argv, call, move and components");
			else
				first = e;
		}
	if (!first)
		wdf_hint(wdf_missing(l, n, "command", l->what),
			 "a step has one of command, argv, call, move and components");
	if (first && strcmp(first->key, "command") != 0) {
		const struct wdf_node *shell = wdf_node_get(n, "shell");

		if (shell)
			wdf_find(l->d, WDF_W_IGNORED, shell->pos, shell->span, "'shell' has no effect beside '%s'",
				 first->key);
	}
}

void wdf_load_step(struct wdf_load *l, const struct wdf_node *node, struct wdf_step *s)
{
	struct wdf_node n = wdf_with_defaults(l, node);
	struct reading r = { .s = s };
	char shown[WDF_SHOWN], what[WDF_SHOWN + 10];

	s->pos = node->pos;
	set_defaults(l, s);
	if (s->name)
		snprintf(what, sizeof(what), "step '%s'", wdf_shown(s->name, strlen(s->name), shown));
	else
		snprintf(what, sizeof(what), "a step");
	l->dims = wdf_node_get(&n, "foreach");
	if (wdf_read_map(l, &n, what, wdf_step_keys, wdf_step_key_count, &r) < 0)
		return;
	l->dims = NULL;
	l->what = what;
	if (!wdf_node_get(&n, "name"))
		wdf_missing(l, &n, "name", "a step");
	check_work(l, &n);
	wdf_load_commands(l, &n, s);
	if (r.foreach)
		wdf_load_dims(l, r.foreach, s);
	if (s->zip && !r.foreach)
		wdf_find(l->d, WDF_W_IGNORED, n.pos, n.span, "'zip' has no effect without 'foreach' in %s", what);
	if (r.components)
		wdf_load_components(l, r.components, s);
	else if (r.ends_with)
		wdf_find(l->d, WDF_NO_COMPONENT, r.ends_with->pos, r.ends_with->span,
			 "'ends_with' without 'components' in %s", what);
	if (r.timeout && s->resources.time_ms && s->timeout_ms >= s->resources.time_ms)
		wdf_hint(wdf_find(l->d, WDF_TIMEOUT, r.timeout->value.pos, r.timeout->value.span,
				  "'timeout' is not shorter than 'resources.time' in %s", what),
			 "the attempt ends at 'resources.time' anyway");
	set_launch(s);
	l->what = NULL;
}
