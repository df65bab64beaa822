/* cmd_submit.c - `wf submit`: check a file offline, hand it to the engine, and follow the run when asked.
 *
 * Every request carries a key, one of our own when the user gave none: so it may be sent again when the engine dies under it, and still
 * makes one run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/env.h"
#include "cli/field.h"
#include "cli/runs.h"
#include "cli/spec.h"
#include "cli/where.h"
#include "engine/base/id.h"
#include "engine/base/os.h"

const struct opt cmd_submit_options[] = {
	{ .letter = 'p', .name = "param", .value = "NAME=VALUE", .help = "give a parameter its value", .many = 1 },
	{ .name = "name", .value = "NAME", .help = "the run's name; the workflow's when not given" },
	{ .name = "key", .value = "KEY", .help = "submitting again with the same key makes no second run" },
	{ .name = "executor", .value = "NAME", .help = "what launches tasks whose step does not say: local or slurm" },
	{ .name = "workdir", .value = "DIR", .help = "the directory that paths in the file count from; this one when not given" },
	{ .name = "wait", .help = "return when the run has ended, with its exit code" },
	{ .name = "watch", .help = "the same, with a live view" },
	{ 0 },
};

/* The absolute submit directory; the caller frees. */
static char *submit_dir(const char *given, struct wf_err *err)
{
	char *cwd = getcwd(NULL, 0), *dir;
	struct stat st;
	json_t *text;

	if (!cwd) {
		wf_err_sys(err, "the current directory");
		return NULL;
	}
	dir = wf_path_resolve(cwd, given ? given : ".");
	free(cwd);
	text = json_string(dir);
	if (!text) {
		wf_errf(err, WF_INVALID, "workdir '%s' is not UTF-8", dir);
	} else if (stat(dir, &st) < 0) {
		wf_err_sys(err, "workdir '%s'", dir);
	} else if (!S_ISDIR(st.st_mode)) {
		wf_errf(err, WF_NOT_FOUND, "workdir '%s' is not a directory", dir);
	} else {
		json_decref(text);
		return dir;
	}
	json_decref(text);
	free(dir);
	return NULL;
}

/* What to ask for when --executor is not given: nothing, but for one thing that the engine cannot see. It may have been
 * started by a shell without the SLURM_CONF that this one has; unless the configuration names an executor, that
 * variable means Slurm. NULL: nothing. */
static const char *unsaid_executor(struct client *c)
{
	const char *named = getenv("SLURM_CONF"), *executor = NULL;
	struct wf_buf url = { 0 };
	struct wf_err err;
	json_t *config, *item;
	size_t i;

	if (!named || where_slurm_conf() != named)
		return NULL;
	url_path(&url, "config", NULL);
	config = client_get(c, &url, &err);
	wf_buf_release(&url);
	json_array_foreach(json_object_get(config, "items"), i, item)
		if (strcmp(field_str(item, "key"), "executor") == 0 && !field_has(item, "value"))
			executor = "slurm";
	json_decref(config);
	return executor;
}

/* Whether some task would go to Slurm as far as can be seen from here: then the engine says what it thinks of that. */
static int may_use_slurm(const struct spec *s, const char *executor)
{
	int unsaid = 0;

	for (uint32_t i = 0; i < s->wdf->step_count; i++) {
		const char *e = s->wdf->steps[i].executor;

		if (e && strcmp(e, "slurm") == 0)
			return 1;
		unsaid |= !e;
	}
	if (!unsaid)
		return 0;
	return executor ? strcmp(executor, "local") != 0 : where_slurm_conf() != NULL;
}

/* What tasks may use: as much as this shell may. */
static json_t *own_limits(void)
{
	struct wf_limit l[WF_LIMITS];
	struct wf_buf b = { 0 };
	json_t *text;

	wf_limits_text(l, wf_limits_own(l), &b);
	text = json_string(wf_buf_cstr(&b));
	wf_buf_release(&b);
	return text;
}

static json_t *request(const struct spec *s, const struct args *args, const char *dir, const char *executor, json_t *left_out)
{
	json_t *body = json_object(), *params = json_object();
	const char *name = args_get(args, "name"), *key = args_get(args, "key");
	char *cwd = getcwd(NULL, 0), *file = wf_path_resolve(cwd ? cwd : "/", s->path);
	char own_key[WF_ID_TEXT + 8];
	mode_t mask = umask(0);

	umask(mask);
	if (!key) {
		struct wf_id id;

		wf_id_make(&id, wf_os_posix());
		strcpy(own_key, "once-");
		wf_id_text(&id, own_key + 5);
		key = own_key;
	}
	for (size_t i = 0; i < s->given; i++)
		json_object_set_new(params, s->names[i], json_string(s->values[i]));
	json_object_set_new(body, "workflow", json_stringn(wf_buf_cstr(&s->text), s->text.len));
	json_object_set_new(body, "file", json_string(file));
	json_object_set_new(body, "params", params);
	if (name)
		json_object_set_new(body, "name", json_string(name));
	json_object_set_new(body, "key", json_string(key));
	if (executor) {
		json_object_set_new(body, "executor", json_string(executor));
		if (!args_get(args, "executor"))
			json_object_set_new(body, "executor_why", json_string("SLURM_CONF names a readable configuration where it was submitted"));
	}
	json_object_set_new(body, "workdir", json_string(dir));
	json_object_set_new(body, "env", env_for_run(left_out));
	json_object_set_new(body, "umask", json_integer(mask));
	json_object_set_new(body, "limits", own_limits());
	json_object_set(body, "sources", s->sources);
	free(file);
	free(cwd);
	return body;
}

static void say_left_out(struct out *out, json_t *names)
{
	struct wf_buf b = { 0 };
	size_t i;
	json_t *n;

	if (!json_array_size(names) || out->mode != OUT_HUMAN)
		return;
	json_array_foreach(names, i, n)
		wf_buf_printf(&b, "%s%s", i ? ", " : "", json_string_value(n));
	out_say(out, "not passed on to the run, because they look like secrets: %s", wf_buf_cstr(&b));
	wf_buf_release(&b);
}

/* The engine may find what we cannot see from here; it sends findings with places in the text we sent. */
static int refused(struct client *c, const struct spec *s, struct out *out, const struct wf_err *err)
{
	json_t *f;
	size_t i;

	json_array_foreach(client_findings(c), i, f) {
		const char *hint = field_str(f, "hint");

		fprintf(stderr, "%s:%lld:%lld: %s[%s]: %s%s%s\n", s->path, (long long)field_int(f, "line"),
			(long long)field_int(f, "column"), field_str(f, "severity"), field_str(f, "code"),
			field_str(f, "message"), *hint ? "; " : "", hint);
	}
	return out_fail(out, err);
}

static int follow(struct client *c, const struct args *args, struct out *out, json_t *run, struct wf_err *err)
{
	struct follow f = { .client = c, .run = field_str(run, "id") };
	json_t *end;
	int rc;

	fflush(stdout);
	end = args_has(args, "watch") ? live_watch(c, f.run, out, err) : follow_run(&f, err);
	if (!end)
		return out_fail(out, err);
	if (!args_has(args, "watch") && out->mode != OUT_QUIET)
		out_show(out, OUT_RUN, end);
	follow_hint(out, end);
	rc = run_exit(end);
	json_decref(end);
	return rc;
}

static int send(const struct spec *s, const struct args *args, struct out *out, const char *dir)
{
	struct wf_err err;
	struct client *c = client_open(CLIENT_START, &err);
	struct wf_buf url = { 0 };
	json_t *left_out = json_array(), *body = NULL, *run = NULL;
	const char *executor = args_get(args, "executor");
	int rc, followed = args_has(args, "wait") || args_has(args, "watch");

	if (c) {
		body = request(s, args, dir, executor ? executor : unsaid_executor(c), left_out);
		url_path(&url, "runs", NULL);
		run = client_post(c, &url, body, 1, &err);
	}
	if (!run) {
		rc = c ? refused(c, s, out, &err) : out_fail(out, &err);
		goto out;
	}
	if (client_replayed(c) && args_has(args, "key"))
		out_say(out, "key '%s' is known: this is the run that was submitted with it", args_get(args, "key"));
	say_left_out(out, left_out);
	/* One document with --json: the run as it ended, when its end is waited for. */
	if (!followed || out->mode != OUT_JSON)
		out_show(out, OUT_SUBMITTED, run);
	rc = followed ? follow(c, args, out, run, &err) : 0;
out:
	json_decref(run);
	json_decref(body);
	json_decref(left_out);
	wf_buf_release(&url);
	client_close(c);
	return rc;
}

/* A step's own batch script, where its path is written out: what sbatch could not run is said before anything
 * begins. */
static int check_batch_script(const struct wdf_step *s, const char *dir, struct wf_err *err)
{
	const struct wdf_tmpl *t = wdf_batch_script(s->command);
	char *at = NULL, *path = NULL;
	struct stat st;
	int rc = 0;

	if (!t || !wdf_tmpl_is_literal(t) || !wdf_tmpl_is_literal(&s->workdir))
		return 0;
	at = wf_path_resolve(dir, s->workdir.count ? s->workdir.raw : ".");
	path = wf_path_resolve(at, t->raw);
	if (stat(path, &st) < 0)
		rc = wf_errf(err, WF_NOT_FOUND, "step '%s': batch script '%s': %s", s->name, path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = wf_errf(err, WF_NOT_FOUND, "step '%s': batch script '%s' is not a file", s->name, path);
	else if (access(path, R_OK | X_OK) < 0)
		rc = wf_errf(err, WF_NOT_FOUND, "step '%s': batch script '%s' is not executable; chmod +x '%s'", s->name, path, path);
	free(path);
	free(at);
	return rc;
}

static int check_batch_scripts(const struct spec *s, const char *dir, struct wf_err *err)
{
	for (uint32_t i = 0; i < s->wdf->step_count; i++) {
		const struct wdf_step *step = &s->wdf->steps[i];

		if (step->command && step->command->kind == WDF_COMMAND_SBATCH && check_batch_script(step, dir, err) < 0)
			return -1;
	}
	return 0;
}

static int check_options(const struct args *args, const struct out *out, struct wf_err *err)
{
	const char *name = args_get(args, "name"), *key = args_get(args, "key");

	if (args_has(args, "wait") && args_has(args, "watch"))
		return wf_errf(err, WF_USAGE, "'--wait' and '--watch' exclude each other");
	if (args_has(args, "watch") && out->mode != OUT_HUMAN)
		return wf_errf(err, WF_USAGE, "'--watch' is for people; use '--wait' with '--json' and '--quiet'");
	if (name && !wdf_name_ok(name))
		return wf_errf(err, WF_INVALID,
			       "'%s' is no name for a run; a letter or digit, then up to 127 letters, digits, '.', '_' and '-'", name);
	if (key && (!*key || strlen(key) > 255))
		return wf_errf(err, WF_INVALID, "a key has 1 to 255 characters");
	return 0;
}

int cmd_submit(const struct args *args, struct out *out)
{
	const char *executor = args_get(args, "executor");
	struct wf_err err = { 0 };
	struct spec s = { 0 };
	char *dir = NULL;
	int rc = 0;

	if (check_options(args, out, &err) < 0 || spec_read(&s, args_operand(args, 0), &err) < 0 ||
	    spec_params(&s, args, &err) < 0 || !(dir = submit_dir(args_get(args, "workdir"), &err)))
		rc = out_fail(out, &err);
	else if (s.session = args_get(args, "name"), spec_parse(&s, 0) < 0 || spec_expand(&s, dir, &err) < 0)
		rc = err.code != WF_OK ? out_fail(out, &err) : spec_fail(&s, out);
	else if (check_batch_scripts(&s, dir, &err) < 0)
		rc = out_fail(out, &err);
	else if (!may_use_slurm(&s, executor) && spec_executable(&s, "local") < 0)
		rc = spec_fail(&s, out);
	if (rc == 0) {
		spec_findings(&s, out);
		rc = send(&s, args, out, dir);
	}
	free(dir);
	spec_release(&s);
	return rc;
}
