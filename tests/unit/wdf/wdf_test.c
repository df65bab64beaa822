/* wdf_test.c - what a workflow file becomes: structs, parameters, -p, defaults, IO-SEA's form, what is not executed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap/tap.h"
#include "wdf-schema/wdf.h"

#define HEAD "workflow: {name: t}\n"

struct file {
	struct wdf *w;
	struct wdf_diags d;
};

static struct wdf_types *types;

/* given: "name=value" texts, NULL-terminated, or NULL */
static struct file read_file(const char *text, const char *const *given, int needed)
{
	const char *names[8], *values[8];
	struct wdf_input in = { .text = text, .len = strlen(text), .file = "f", .names = names, .values = values,
				.allow_needed = needed };
	struct file f = { 0 };
	char *copies[8];

	for (; given && given[in.given]; in.given++) {
		char *eq;

		copies[in.given] = wf_xstrdup(given[in.given]);
		eq = strchr(copies[in.given], '=');
		*eq = '\0';
		names[in.given] = copies[in.given];
		values[in.given] = eq + 1;
	}
	f.w = wdf_parse(&in, types, &f.d);
	for (size_t i = 0; i < in.given; i++)
		free(copies[i]);
	return f;
}

static void drop(struct file *f)
{
	wdf_free(f->w);
	wdf_diags_release(&f->d);
}

static const char *first_error(const struct file *f)
{
	static char text[600];

	if (!f->d.count)
		return "none";
	snprintf(text, sizeof(text), "%u:%u %s %.300s%s%.200s", f->d.items[0].pos.line, f->d.items[0].pos.column,
		 f->d.items[0].code, f->d.items[0].text, f->d.items[0].hint ? "; " : "",
		 f->d.items[0].hint ? f->d.items[0].hint : "");
	return text;
}

static void need(const struct file *f)
{
	if (!f->w)
		bail("a file of the test is refused: %s", first_error(f));
}

/* ---- steps --------------------------------------------------------------------------------------------------- */

static void test_defaults_of_a_step(void)
{
	struct file f = read_file(HEAD "steps:\n  - {name: a, command: echo}\n", NULL, 0);
	const struct wdf_step *s;

	need(&f);
	s = &f.w->steps[0];
	is_str(f.w->name, "t", "the workflow's name");
	ok(!f.w->iosea, "not IO-SEA's form");
	is_str(s->name, "a", "the step's name");
	is_int(s->pos.line, 3, "its line");
	ok(s->resources.nodes == 1 && s->resources.ranks == 1 && s->resources.cpus == 1 && s->resources.gpus == 0,
	   "one node, rank, cpu; no gpu");
	ok(!s->resources.memory && !s->resources.time_ms && !s->resources.exclusive, "memory and time not said");
	ok(s->retry.limit == 0 && s->retry.classes == UINT32_MAX && s->retry.grow_memory == 1 && s->retry.grow_time == 1,
	   "no retry; all classes; no growth");
	ok(s->success_code_count == 1 && s->success_codes[0] == 0, "0 is success");
	ok(s->pool == UINT32_MAX && !s->executor && !s->when && !s->after_count && !s->dim_count, "nothing else");
	is_int(s->output_limit, 1 << 30, "1 GiB of output");
	is_int(s->on_unknown, WDF_UNKNOWN_HOLD, "unknown is held");
	ok(!s->launch_ranks && !s->submit_ready && !s->if_empty_run && !s->tolerate && !s->parallel, "launched once, ahead");
	ok(!s->setup.count && !s->workdir.count && !s->stdout_path.count && !s->setup_script, "no templates");
	drop(&f);
}

static const char every[] =
	HEAD "params: {cpus: 2, seeds: [11, 12], t: 90s}\n"
	"pools: {a: 1, licence: 3}\n"
	"services:\n"
	"  - {name: db, type: redis}\n"
	"  - {name: fs, type: COMMAND, command: serve, ready: {tcp: \"h:1\", deadline: 1s}, after: [{service: db}, a], start: eager,\n"
	"     scope: step, members: {target: 1}, on_failure: {action: hold, limit: 7, backoff: 2s}, resources: {memory: 1Gi}}\n"
	"steps:\n"
	"  - {name: a, command: echo}\n"
	"  - name: b\n"
	"    command: \"run {{ seed }} > {{ i }}\"\n"
	"    foreach: {seed: \"{{ seeds }}\", i: {range: [9, 1, -4]}, f: {glob: \"*.x\"}, s: {csv: t.csv}, r: {from: a, list: l}}\n"
	"    parallel: 3\n"
	"    tolerate: 2.5%\n"
	"    after: [{step: a, result: any}]\n"
	"    when: cpus == 2\n"
	"    env: {A: \"{{ seed }}\", B: 1}\n"
	"    setup: [module load x, \"export S={{ seed }}\"]\n"
	"    resources: {cpus: \"{{ cpus }}\", memory: 2GiB, time: 1h, ranks: 4}\n"
	"    timeout: \"{{ t }}\"\n"
	"    retry: {limit: 2, backoff: 5s, classes: [timeout, \"exit:75\", exit], grow: {memory: x2, time: x1.5, max: {memory: 8G}}}\n"
	"    success_codes: [0, 3]\n"
	"    pool: licence\n"
	"    priority: -2\n"
	"    services: [db, {name: fs, access: RO}]\n"
	"    inputs: [in, \"{{ seed }}\"]\n"
	"    results: [n]\n"
	"    on_unknown: rerun\n"
	"    output_limit: 1M\n"
	"    labels: {year: 2026}\n"
	"    executor: local\n"
	"    submit: ready\n"
	"    if_empty: run\n"
	"  - {name: c, argv: [prog, \"{{ seeds }}\", \"{{ seed }}\"], after: [{step: b, each: true}], resources: {ranks: 2}}\n"
	"  - {name: d, argv: [prog, \"{{ i }}\", \"{{ b.tasks }}\"], after: [{step: b, by: [i, seed]}], launch: ranks}\n"
	"  - {name: e, command: mpirun prog, resources: {tasks: 8}}\n";

static void test_every_key(void)
{
	struct file f = read_file(every, NULL, 0);
	const struct wdf_step *s;
	const struct wdf_service *v;

	need(&f);
	s = &f.w->steps[1];
	is_int(s->command->kind, WDF_COMMAND_SHELL, "a shell command");
	is_int(s->dim_count, 5, "five names of a fan-out");
	is_int(s->dims[0].list.count, 2, "a list of a parameter");
	is_int(s->dims[0].list.items[1].integer, 12, "its values");
	ok(s->dims[1].kind == WDF_DIM_RANGE && s->dims[1].first == 9 && s->dims[1].last == 1 && s->dims[1].step == -4, "a range");
	ok(s->dims[2].kind == WDF_DIM_GLOB && strcmp(s->dims[2].source, "*.x") == 0, "a pattern");
	ok(s->dims[3].kind == WDF_DIM_CSV && strcmp(s->dims[3].source, "t.csv") == 0, "a table");
	ok(s->dims[4].kind == WDF_DIM_FROM && s->dims[4].from_step == 0 && strcmp(s->dims[4].source, "l") == 0, "a step's list");
	ok(s->parallel == 3 && s->tolerate == 250 && s->tolerate_percent, "parallel and tolerate");
	ok(s->after_count == 1 && s->after[0].step == 0 && s->after[0].result == WDF_ANY && !s->after[0].each, "after");
	ok(s->when != NULL, "when");
	ok(s->env_count == 2 && strcmp(s->env[1].name, "B") == 0 && strcmp(s->env[1].value.raw, "1") == 0, "env");
	is_str(s->setup.raw, "module load x\nexport S={{ seed }}\n", "setup in lines");
	ok(s->resources.cpus == 2 && s->resources.memory == 2147483648u && s->resources.time_ms == 3600000, "resources");
	is_int(s->timeout_ms, 90000, "timeout of a parameter");
	ok(s->retry.limit == 2 && s->retry.backoff_ms == 5000, "retry");
	is_int(s->retry.classes, 1u << WF_CLASS_TIMEOUT | 1u << WF_CLASS_EXIT, "its classes");
	ok(s->retry.exit_count == 1 && s->retry.exits[0] == 75, "and exit codes");
	ok(s->retry.grow_memory == 2 && s->retry.grow_time == 1.5 && s->retry.max_memory == 8000000000u && !s->retry.max_time_ms,
	   "growth");
	ok(s->success_code_count == 2 && s->success_codes[1] == 3, "success codes");
	ok(s->pool == 1 && s->priority == -2, "pool and priority");
	ok(s->use_count == 2 && s->uses[0].access == WDF_RW && s->uses[1].service == 1 && s->uses[1].access == WDF_RO, "services");
	ok(s->input_count == 2 && s->result_count == 1, "inputs and results");
	ok(s->on_unknown == WDF_UNKNOWN_RERUN && s->output_limit == 1000000 && s->submit_ready && s->if_empty_run, "the rest");
	is_str(s->executor, "local", "executor");
	is_int(json_integer_value(json_object_get(s->labels, "year")), 2026, "labels");
	ok(!s->launch_ranks, "shell syntax is launched once");
	ok(f.w->steps[2].launch_ranks, "a direct command once per rank");
	ok(f.w->steps[2].after[0].each, "each");
	ok(f.w->steps[2].command->words[1].spread && f.w->steps[2].command->words[2].spread, "lists spread");
	ok(f.w->steps[3].after[0].by_count == 2 && strcmp(f.w->steps[3].after[0].by[0], "i") == 0, "by");
	ok(f.w->steps[3].launch_ranks, "launch as said");
	ok(!f.w->steps[4].launch_ranks && f.w->steps[4].resources.ranks == 8, "mpirun is launched once; tasks are ranks");
	v = &f.w->services[0];
	is_str(v->type, "REDIS", "a type in upper case");
	is_str(json_string_value(json_object_get(v->attributes, "memory")), "1GiB", "attributes have their defaults");
	ok(v->start == WDF_START_LAZY && v->target == 1 && v->min == 1 && v->failure_limit == 3 && !v->has_resources, "lazy");
	v = &f.w->services[1];
	ok(v->after_count == 2 && v->after[0].service == 0 && v->after[0].step == UINT32_MAX && v->after[1].step == 0 &&
		   v->after[1].service == UINT32_MAX,
	   "after of a service");
	ok(v->start == WDF_START_EAGER && v->scope == WDF_SCOPE_STEP && v->has_resources && v->resources.memory == 1u << 30,
	   "start, scope, resources");
	ok(v->on_failure == WDF_ON_FAILURE_HOLD && v->failure_limit == 7 && v->failure_backoff_ms == 2000, "on_failure");
	is_str(json_string_value(json_object_get(v->spec, "command")), "serve", "the spec is kept");
	drop(&f);
}

static void test_defaults(void)
{
	struct file f = read_file(HEAD "defaults:\n"
				       "  command: ./work\n"
				       "  resources: {cpus: 2, ranks: 3, memory: 1GiB}\n"
				       "  retry: {limit: 1, classes: [timeout, signal]}\n"
				       "  env: {A: 1, B: 2}\n"
				       "steps:\n"
				       "  - name: a\n"
				       "  - {name: b, argv: [x], resources: {tasks: 1}, retry: {classes: [exit]}, env: {B: 3}}\n",
				  NULL, 0);
	const struct wdf_step *a, *b;

	need(&f);
	a = &f.w->steps[0];
	b = &f.w->steps[1];
	is_str(a->command->words[0].tmpl.raw, "./work", "a default command");
	is_str(b->command->words[0].tmpl.raw, "x", "is replaced by argv");
	ok(a->resources.cpus == 2 && a->resources.ranks == 3, "resources");
	ok(b->resources.cpus == 2 && b->resources.ranks == 1 && b->resources.memory == 1u << 30, "merged key by key, by either name");
	ok(b->retry.limit == 1 && b->retry.classes == 1u << WF_CLASS_EXIT, "lists are replaced");
	ok(b->env_count == 2 && strcmp(b->env[0].value.raw, "3") == 0 && strcmp(b->env[1].name, "A") == 0, "mappings merged");
	drop(&f);
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

static void test_params(void)
{
	static const char text[] = HEAD "params:\n"
					"  s: {type: string, choices: [quick, full], default: quick}\n"
					"  i: 3\n"
					"  f: {type: float, default: 1}\n"
					"  b: false\n"
					"  l: [1, 2]\n"
					"  z: {type: size, default: 1G}\n"
					"  t: {type: time, default: 1h}\n"
					"  p: {type: path, default: a/b}\n"
					"  m: {type: list, choices: [x, y], default: [x]}\n"
					"  n: {type: int}\n"
					"steps:\n  - {name: a, command: echo}\n";
	static const char *const cases[][2] = {
		{ "s=full", NULL },
		{ "s=slow", "3:3 E0311 -p 's' cannot be 'slow'; one of quick, full" },
		{ "i=12", NULL },
		{ "i=1e3", "4:3 E0311 -p i must be an integer, found '1e3'" },
		{ "i=", "4:3 E0311 -p i must be an integer, found ''" },
		{ "f=0.10", NULL },
		{ "f=x", "5:3 E0311 -p f must be a number, found 'x'" },
		{ "b=true", NULL },
		{ "b=yes", "6:3 E0311 -p b must be true or false, found 'yes'" },
		{ "l=", NULL },
		{ "l=1, b ,c", NULL },
		{ "l=[1, 'a,b', c]", NULL },
		{ "l=[1", "7:3 E0311 -p l must be a list: 1,2,3 or [1, 2, 3], found '[1'" },
		{ "z=2GiB", NULL },
		{ "z=big", "8:3 E0311 -p z must be a size such as 4GiB, found 'big'" },
		{ "t=90s", NULL },
		{ "t=90", "9:3 E0311 -p t must be a time such as 10m, found '90'" },
		{ "p=/x y", NULL },
		{ "p=", "10:3 E0311 -p p must be a path, found ''" },
		{ "m=x,y", NULL },
		{ "m=x,z", "11:3 E0311 -p 'm' cannot be 'x z'; one of x, y" },
		{ "ss=1", "0:0 E0310 -p: no parameter 'ss'; known: s, i, f, b, l, z, t, p, m, n" },
		{ "SESSION=x", "0:0 E0308 -p: 'SESSION' is reserved" },
		{ "s=\xff", "3:3 E0311 -p s must be text, found '\xff'" },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		const char *given[] = { "n=1", cases[i][0], NULL };
		struct file f = read_file(text, given, 0);

		is_str(f.w ? "none" : first_error(&f), cases[i][1] ? cases[i][1] : "none", "-p %s", cases[i][0]);
		drop(&f);
	}
	{
		const char *given[] = { "n=7", "l=1, b ,", "f=2", "i=4", "i=5", NULL };
		struct file f = read_file(text, given, 0);

		need(&f);
		is_int(f.w->params[9].value.integer, 7, "an integer that was given");
		is_int(f.w->params[4].value.count, 3, "a list of three");
		is_str(f.w->params[4].value.items[1].text, "b", "without blanks");
		is_str(f.w->params[4].value.items[2].text, "", "the last empty");
		ok(f.w->params[2].value.kind == WDF_FLOAT && f.w->params[2].value.real == 2, "2 is a float too");
		is_str(f.w->params[2].value.text, "2", "with its text");
		is_int(f.w->params[1].value.integer, 5, "the last -p counts");
		is_str(f.w->params[0].value.text, "quick", "a default stays");
		is_int(f.w->params[0].choice_count, 2, "choices");
		drop(&f);
		f = read_file(text, NULL, 0);
		is_str(first_error(&f), "12:3 E0309 'n' has no value; give it with -p n=VALUE", "one without a default must be given");
		drop(&f);
		f = read_file(text, NULL, 1);
		need(&f);
		ok(f.w->needed_count == 1 && strcmp(f.w->needed[0].name, "n") == 0, "validate lists it");
		drop(&f);
	}
}

/* A value is taken literally, wherever it stands. */
static void test_literal_values(void)
{
	const char *given[] = { "X=a\nsteps: []\n{{ Y }} \"; rm -rf ~ $(id)", NULL };
	struct file f = read_file(HEAD "steps:\n"
				       "  - {name: a, argv: [echo, \"{{ X }}\"], env: {E: \"<{{ X }}>\"}, labels: {l: \"{{ X }}\"}}\n",
				  given, 0);

	need(&f);
	is_int(f.w->step_count, 1, "a value never becomes YAML");
	is_str(f.w->params[0].value.text, given[0] + 2, "it is what was given");
	is_str(json_string_value(json_object_get(f.w->steps[0].labels, "l")), given[0] + 2, "in structure too");
	drop(&f);
}

/* ---- IO-SEA ------------------------------------------------------------------------------------------------------ */

static const char iosea[] = "workflow:\n  name: My Workflow\nservices:\n  - name: n\n    type: nfs\n    attributes:\n"
			    "      namespace: {{ NS }}/{{ SESSION }}\n      mountpoint: /m\n      storagesize: {{ SIZE }}\n"
			    "steps:\n  - name: A\n    command: \"sbatch -J {{ STEP }} {{ ARG }}\"\n    services:\n      - name: n\n";

static void test_iosea(void)
{
	const char *given[] = { "NS=/data", "SIZE=2Gi", "ARG=x y", NULL };
	struct file f = read_file(iosea, given, 0);

	need(&f);
	ok(f.w->iosea, "IO-SEA's form is seen");
	is_str(f.w->name, "My Workflow", "a name with a blank");
	is_str(f.w->services[0].type, "NFS", "a type in any case");
	is_int(f.w->services[0].start, WDF_START_EAGER, "its services start at once");
	is_str(json_string_value(json_object_get(f.w->services[0].attributes, "namespace")), "{{ NS }}/{{ SESSION }}",
	       "placeholders wait in attributes");
	is_int(f.w->steps[0].command->kind, WDF_COMMAND_SBATCH, "a user's batch script");
	is_int(f.w->steps[0].command->word_count, 4, "in words");
	drop(&f);
	f = read_file(iosea, NULL, 0);
	is_str(first_error(&f), "7:18 E0309 'NS' has no value; give it with -p NS=VALUE", "a name without a value is refused");
	is_int(f.d.errors, 3, "each of them, once");
	drop(&f);
	f = read_file(iosea, NULL, 1);
	need(&f);
	ok(f.w->needed_count == 3 && strcmp(f.w->needed[2].name, "ARG") == 0 && f.w->needed[2].pos.line == 12, "or listed");
	drop(&f);
	given[0] = "OTHER=1";
	f = read_file(iosea, given, 1);
	need(&f);
	is_str(first_error(&f), "0:0 W0103 -p OTHER: nothing in the file uses it", "a name that nothing uses is a warning");
	drop(&f);
}

/* ---- what is not executed ------------------------------------------------------------------------------------------ */

static void test_executable(void)
{
	static const char *const refused[][2] = {
		{ "steps: [{name: a, command: x, resources: {ranks: 2}}]", "step 'a': more than one rank ('ranks', MPI) is not executed yet" },
		{ "steps: [{name: a, command: x, resources: {nodes: 2}}]", "step 'a': more than one node ('nodes') is not executed yet" },
		{ "steps: [{name: a, command: x, resources: {gpus: 1}}]", "step 'a': GPUs ('gpus') are not assigned yet" },
		{ "steps: [{name: a, command: x, pack: 4}]", "step 'a': packing tasks into one allocation ('pack') is not executed yet" },
		{ "steps: [{name: a, command: x, pack: no}]", "step 'a': packing tasks into one allocation ('pack') is not executed yet" },
		{ "steps: [{name: a, command: x, container: {image: y}}]", "step 'a': running in a container ('container') is not executed yet" },
		{ "steps: [{name: a, call: y.yaml}]", "step 'a': calling another workflow ('call') is not executed yet" },
		{ "steps: [{name: a, move: {from: y}}]", "step 'a': moving data ('move') is not executed yet" },
		{ "steps: [{name: a, components: [{name: p, command: x}]}]",
		  "step 'a': several parts started together ('components') are not executed yet" },
		{ "steps: [{name: a, command: sbatch x}, {name: b, command: sbatch y}]",
		  "step 'a' and 1 more: a batch script of your own ('sbatch') is not executed yet" },
		{ "datasets: {a: {}}\nsteps: [{name: a, command: x}]", "'datasets' are not executed yet" },
		{ "services: [{name: s, type: REDIS, scope: user}]\nsteps: [{name: a, command: x}]",
		  "service 's': a service that outlives its run ('scope' session or user) is not executed yet" },
		{ "services: [{name: s, type: REDIS, scope: task}, {name: t, type: REDIS, scope: step, after: [s]}]\nsteps: [{name: a, command: x}]",
		  "service 't': coming after a service that is there anew for each step or task ('scope'), from a wider scope, is not executed" },
		{ "services: [{name: s, type: REDIS, scope: step}, {name: t, type: REDIS, after: [s]}]\nsteps: [{name: a, command: x}]",
		  "service 't': coming after a service that is there anew for each step or task ('scope'), from a wider scope, is not executed" },
		{ "services: [{name: s, type: REDIS, start: manual}]\nsteps: [{name: a, command: x}]",
		  "service 's': starting a service by hand ('start: manual') needs a session, which is not executed yet" },
		{ "services: [{name: s, type: REDIS, placement: datanodes}]\nsteps: [{name: a, command: x}]",
		  "service 's': placing a service ('placement') is not executed yet" },
		{ "services: [{name: s, type: REDIS, walltime: handover}]\nsteps: [{name: a, command: x}]",
		  "service 's': handing over at the end of an allocation ('walltime: handover') is not executed yet" },
		{ "services: [{name: s, type: REDIS, datamovers: [{name: m, trigger: step_stop, operation: copy}]}]\nsteps: [{name: a, command: x}]",
		  "service 's': datamovers are not executed yet" },
	};
	struct file f;

	for (size_t i = 0; i < WF_COUNT(refused); i++) {
		char text[600];

		snprintf(text, sizeof(text), HEAD "%s\n", refused[i][0]);
		f = read_file(text, NULL, 0);
		need(&f);
		is_int(wdf_executable(f.w, "local", types, &f.d), -1, "refused: %s", strtok(text + strlen(HEAD), "\n"));
		is_str(f.d.items[0].text, refused[i][1], "with a sentence");
		is_str(f.d.items[0].code, "E0601", "of its code");
		drop(&f);
	}
	f = read_file(HEAD "services: [{name: s, type: SBB, attributes: {targets: /a, flavor: b}}]\nsteps: [{name: a, command: x}]\n", NULL, 0);
	need(&f);
	is_int(wdf_executable(f.w, "local", types, &f.d), -1, "a type that cannot run yet is refused");
	has_str(f.d.items[0].text, "service 's': ", "by its driver");
	drop(&f);
	f = read_file(HEAD "defaults: {slurm: {partition: p}, location: x, resources: {exclusive: true, storage: 1G}}\n"
			   "services: [{name: s, type: REDIS, members: 1, scope: task}, {name: t, type: REDIS, scope: task, after: [s]}]\n"
			   "steps: [{name: a, command: x, services: [s]}, {name: b, command: x, executor: slurm}]\n",
		      NULL, 0);
	need(&f);
	is_int(wdf_executable(f.w, "local", types, &f.d), 0, "blocks of another executor are no reason");
	is_int(f.d.count, 4, "but are said");
	is_str(f.d.items[0].text, "step 'a': 'slurm' is unused on executor local", "once");
	is_int(f.d.items[0].severity, WDF_WARNING, "as warnings");
	drop(&f);
}

/* ---- size --------------------------------------------------------------------------------------------------------- */

static void test_large(void)
{
	struct wf_buf b = { 0 };
	struct file f;

	wf_buf_str(&b, HEAD "params: {}\nsteps:\n");
	for (int i = 0; i < 50000; i++)
		wf_buf_printf(&b, "  - {name: s%d, command: echo {{ s%d.tasks }}, after: [s%d]}\n", i, i ? i - 1 : 1,
			      i ? i - 1 : 1);
	f = read_file(wf_buf_cstr(&b), NULL, 0);
	ok(!f.w, "a circle of two in a chain of 50,000");
	has_str(first_error(&f), "'s0' waits for itself: s0 (4:5) > s1 (5:5) > s0", "is found");
	drop(&f);
	wf_buf_clear(&b);
	wf_buf_str(&b, HEAD "params: {x: 1}\nsteps:\n  - {name: s0, command: echo, foreach: {i: [1, 2]}}\n");
	for (int i = 1; i < 50000; i++)
		wf_buf_printf(&b, "  - {name: s%d, command: \"echo {{ x }} {{ i }} {{ s0.tasks }}\", after: [{step: s%d, each: true}]}\n",
			      i, i - 1);
	f = read_file(wf_buf_cstr(&b), NULL, 0);
	ok(f.w != NULL, "a chain of 50,000 that inherits its fan-out and looks back to its beginning: %s", first_error(&f));
	drop(&f);
	wf_buf_clear(&b);
	wf_buf_str(&b, HEAD "steps:\n  - name: s\n    command: echo {{ i }}\n    foreach: {i: [");
	for (int i = 0; i < 1000000; i++)
		wf_buf_printf(&b, "%d,", i);
	wf_buf_str(&b, "]}\n");
	f = read_file(wf_buf_cstr(&b), NULL, 0);
	ok(f.w && f.w->steps[0].dims[0].list.count == 1000000, "a fan-out of a million values");
	drop(&f);
	wf_buf_release(&b);
}

/* A small file must not make us do much: each of these would be terabytes or hours. */
static void test_hostile(void)
{
	struct wf_buf b = { 0 };
	struct file f;

	wf_buf_str(&b, HEAD "defaults: {env: {");
	for (int i = 0; i < 20000; i++)
		wf_buf_printf(&b, "A%d: 1,", i);
	wf_buf_str(&b, "}}\nsteps:\n");
	for (int i = 0; i < 5000; i++)
		wf_buf_printf(&b, "  - {name: s%d, command: e, env: {B: 1}}\n", i);
	f = read_file(wf_buf_cstr(&b), NULL, 0);
	is_str(first_error(&f), "2:11 E0115 'defaults' gives the steps more than 3000000 values together", "long defaults for many steps");
	drop(&f);
	wf_buf_clear(&b);
	wf_buf_str(&b, HEAD "params: {l: '");
	for (int i = 0; i < 100000; i++)
		wf_buf_str(&b, "0123456789");
	wf_buf_str(&b, "'}\nsteps:\n");
	for (int i = 0; i < 200; i++)
		wf_buf_printf(&b, "  - {name: s%d, command: e, labels: {a: \"{{ l }}\"}}\n", i);
	f = read_file(wf_buf_cstr(&b), NULL, 0);
	has_str(first_error(&f), "E0101 parameters put into the workflow's structure have more than 67108864 bytes together",
		"a long value in many places");
	drop(&f);
	wf_buf_clear(&b);
	wf_buf_str(&b, HEAD "params: {l: &x '");
	for (int i = 0; i < 100000; i++)
		wf_buf_str(&b, "0123456789");
	wf_buf_str(&b, "'}\nsteps:\n  - {name: a, argv: [");
	for (int i = 0; i < 100; i++)
		wf_buf_str(&b, "*x,");
	wf_buf_str(&b, "]}\n");
	f = read_file(wf_buf_cstr(&b), NULL, 0);
	has_str(first_error(&f), "E0115 text limit reached", "a long text by alias");
	drop(&f);
	wf_buf_clear(&b);
	wf_buf_str(&b, HEAD "steps:\n  - {name: a, command: e, foreach: {");
	for (int i = 0; i < 65; i++)
		wf_buf_printf(&b, "d%d: [1],", i);
	wf_buf_str(&b, "}}\n");
	f = read_file(wf_buf_cstr(&b), NULL, 0);
	is_str(first_error(&f), "3:36 E0214 'foreach' lists 65, at most 64", "many names of a fan-out");
	drop(&f);
	wf_buf_release(&b);
}

int main(void)
{
	const char *dir = "services/types";
	struct wf_err err;

	types = wdf_types_load(&dir, 1, &err);
	if (!types)
		bail("driver files: %s", err.text);
	test_defaults_of_a_step();
	test_every_key();
	test_defaults();
	test_params();
	test_literal_values();
	test_iosea();
	test_executable();
	test_large();
	test_hostile();
	wdf_types_free(types);
	return done_testing();
}
