/* launch.c - owns the member's command line, environment and start; what becomes of the process is host.c's. */
#include "services/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executors/attempt/env.h"
#include "executors/attempt/setup.h"
#include "services/control.h"
#include "services/render.h"
#include "wdf-schema/command.h"

enum { SCRIPT_FD = 3, MARKER_FD = 4 };

/* ---- what to execute --------------------------------------------------------------------------------- */

/* A text as a command. NULL and err after a finding. */
static struct wdf_command *read_command(struct wf_arena *a, const char *text, const char *shell, struct wf_err *err)
{
	struct wdf_command_source from = { .shell = shell };
	struct wdf_diags diags = { 0 };
	struct wdf_command *c = NULL;

	if (wdf_tmpl_parse(&from.text, a, text, (struct wdf_pos){ 1, 1 }, &diags) == 0)
		c = wdf_command_read(a, &from, &diags);
	if (!c)
		wf_errf(err, WF_INVALID, "%s", diags.count ? diags.items[0].text : "malformed command");
	wdf_diags_release(&diags);
	return c;
}

static int render_command(struct launch *l, const char *text, const char *shell, json_t *roots, struct wdf_argv *out,
			  struct wf_err *err)
{
	struct wdf_command *c = read_command(&l->arena, text, shell, err);
	struct render_scope scope;
	int rc;

	if (!c)
		return -1;
	render_scope_init(&scope, roots);
	rc = wdf_command_render(c, &scope.scope, &l->arena, out, err);
	render_scope_release(&scope);
	return rc;
}

static int render_argv(struct launch *l, json_t *argv, json_t *roots, struct wdf_argv *out, struct wf_err *err)
{
	json_t *words = render_tree(argv, roots, err), *word;
	size_t i;

	if (!words)
		return -1;
	out->argc = json_array_size(words);
	out->argv = wf_arena_alloc(&l->arena, (out->argc + 1) * sizeof(*out->argv));
	json_array_foreach (words, i, word) {
		char *text = render_word(word);

		out->argv[i] = wf_arena_strdup(&l->arena, text);
		free(text);
	}
	json_decref(words);
	return 0;
}

/* The command may refer to values by the same names (WF_V0, WF_V1...): the setup lines get names of their own. */
static const char *rename_references(struct launch *l, const char *text)
{
	struct wf_buf b = { 0 };
	const char *p;

	while ((p = strstr(text, "${WF_V"))) {
		wf_buf_add(&b, text, (size_t)(p - text));
		wf_buf_str(&b, "${WF_S");
		text = p + 6;
	}
	wf_buf_str(&b, text);
	text = wf_arena_strdup(&l->arena, b.data);
	wf_buf_release(&b);
	return text;
}

/* Setup lines are shell text: placeholders become references to variables, as in a command with shell syntax. The line in front makes
 * it one. */
static int render_setup(struct launch *l, json_t *setup, json_t *roots, struct wdf_argv *out, struct wf_err *err)
{
	struct wf_buf text = { 0 };
	size_t i;
	json_t *line;
	int rc;

	wf_buf_str(&text, ":\n");
	if (json_is_string(setup))
		wf_buf_str(&text, json_string_value(setup));
	json_array_foreach (setup, i, line)
		wf_buf_printf(&text, "%s\n", json_string_value(line) ? json_string_value(line) : "");
	rc = render_command(l, text.data, "bash", roots, out, err);
	wf_buf_release(&text);
	if (rc < 0)
		return -1;
	l->setup = rename_references(l, out->argv[out->argc - 1]);
	for (i = 0; i < out->env_count; i++)
		if (strncmp(out->env[i], "WF_V", 4) == 0)
			out->env[i] = wf_arena_printf(&l->arena, "WF_S%s", out->env[i] + 4);
	return 0;
}

/* ---- environment ------------------------------------------------------------------------------------- */

struct names {
	const char **items;
	size_t count, cap;
};

static void add_name(struct names *n, const char *text)
{
	n->items = wf_grow(n->items, &n->cap, n->count + 2, sizeof(*n->items));
	n->items[n->count++] = text;
	n->items[n->count] = NULL;
}

static int render_env(struct launch *l, json_t *env, json_t *roots, struct names *more, struct wf_err *err)
{
	json_t *made = env ? render_tree(env, roots, err) : json_object(), *value;
	const char *name;

	if (!made)
		return -1;
	json_object_foreach (made, name, value) {
		char *text = render_word(value);

		add_name(more, wf_arena_printf(&l->arena, "%s=%s", name, text));
		free(text);
	}
	json_decref(made);
	return 0;
}

static void make_env(struct launch *l, const struct names *more, const struct wdf_argv *command, const struct wdf_argv *setup,
		     const struct member_spec *s, const char *service_dir)
{
	struct names extra = { 0 }, base = { 0 };

	for (char **e = environ; *e; e++)
		if (strncmp(*e, WF_CONTROL_ENV "=", sizeof(WF_CONTROL_ENV)) != 0)
			add_name(&base, *e);
	for (size_t i = 0; i < command->env_count; i++)
		add_name(&extra, command->env[i]);
	for (size_t i = 0; i < setup->env_count; i++)
		add_name(&extra, setup->env[i]);
	add_name(&extra, wf_arena_printf(&l->arena, "WF_SERVICE_NAME=%s", s->service));
	add_name(&extra, wf_arena_printf(&l->arena, "WF_SERVICE_GENERATION=%lld", (long long)s->generation));
	add_name(&extra, wf_arena_printf(&l->arena, "WF_MEMBER=%lld", (long long)s->n));
	add_name(&extra, wf_arena_printf(&l->arena, "WF_MEMBER_DIR=%s", s->dir));
	add_name(&extra, wf_arena_printf(&l->arena, "WF_SERVICE_DIR=%s", service_dir));
	l->env = wf_attempt_env(base.items, more->items, extra.items);
	free(base.items);
	free(extra.items);
}

int launch_render(struct launch *l, json_t *run, json_t *roots, const struct member_spec *spec, const char *service_dir,
		  struct wf_err *err)
{
	const char *command = json_string_value(json_object_get(run, "command"));
	const char *shell = json_string_value(json_object_get(run, "shell"));
	const char *cwd = json_string_value(json_object_get(run, "cwd"));
	struct wdf_argv words = { 0 }, setup = { 0 };
	struct names more = { 0 };
	char *dir;

	memset(l, 0, sizeof(*l));
	l->marker = -1;
	dir = render_text(cwd ? cwd : spec->dir, roots, err);
	if (!dir) {
		wf_err_wrap(err, "cwd");
		goto error;
	}
	l->cwd = wf_arena_strdup(&l->arena, dir);
	free(dir);
	if (command ? render_command(l, command, shell, roots, &words, err) < 0
		    : render_argv(l, json_object_get(run, "argv"), roots, &words, err) < 0) {
		wf_err_wrap(err, "%s", command ? "command" : "argv");
		goto error;
	}
	if (json_object_get(run, "setup") && render_setup(l, json_object_get(run, "setup"), roots, &setup, err) < 0) {
		wf_err_wrap(err, "setup");
		goto error;
	}
	if (render_env(l, json_object_get(run, "env"), roots, &more, err) < 0) {
		wf_err_wrap(err, "env");
		goto error;
	}
	l->argv = words.argv;
	make_env(l, &more, &words, &setup, spec, service_dir);
	free(more.items);
	return 0;
error:
	free(more.items);
	launch_release(l);
	return -1;
}

void launch_release(struct launch *l)
{
	if (l->marker >= 0)
		close(l->marker);
	l->marker = -1;
	free(l->env);
	l->env = NULL;
	wf_arena_release(&l->arena);
}

/* ---- start ------------------------------------------------------------------------------------------- */

static int start_direct(struct launch *l, struct procs *procs, struct child *c, int null, struct wf_err *err)
{
	int fds[3] = { null, 1, 2 };
	struct wf_spawn sp = { .path = l->argv[0], .argv = l->argv, .env = (char *const *)l->env, .cwd = l->cwd, .fds = fds,
			       .fd_count = 3 };

	return procs_spawn(procs, c, &sp, err);
}

static int start_by_shell(struct launch *l, struct procs *procs, struct child *c, int null, struct wf_err *err)
{
	struct wf_buf text = { 0 };
	char script[32];
	const char **argv;
	int pipes[2], fd, rc;
	size_t n = 0;

	wf_setup_script(&text, l->setup, l->env, SCRIPT_FD, MARKER_FD);
	fd = wf_setup_file(&text, err);
	wf_buf_release(&text);
	if (fd < 0)
		return -1;
	if (pipe2(pipes, O_CLOEXEC) < 0) {
		wf_err_sys(err, "make a pipe for the setup lines");
		close(fd);
		return -1;
	}
	while (l->argv[n])
		n++;
	snprintf(script, sizeof(script), "/proc/self/fd/%d", SCRIPT_FD);
	argv = wf_xcalloc(n + 4, sizeof(*argv));
	argv[0] = "bash";
	argv[1] = "-l";
	argv[2] = script;
	memcpy(argv + 3, l->argv, n * sizeof(*argv));
	{
		int fds[5] = { null, 1, 2, fd, pipes[1] };
		struct wf_spawn sp = { .path = "bash", .argv = (char *const *)argv, .env = (char *const *)l->env, .cwd = l->cwd,
				       .fds = fds, .fd_count = 5 };

		rc = procs_spawn(procs, c, &sp, err);
	}
	free(argv);
	close(fd);
	close(pipes[1]);
	l->marker = pipes[0];
	return rc;
}

int launch_start(struct launch *l, struct procs *procs, struct child *c, struct wf_err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), rc;

	if (null < 0)
		return wf_err_sys(err, "open /dev/null");
	if (l->marker >= 0)
		close(l->marker);
	l->marker = -1;
	rc = l->setup ? start_by_shell(l, procs, c, null, err) : start_direct(l, procs, c, null, err);
	close(null);
	return rc;
}

int launch_in_setup(const struct launch *l)
{
	return l->marker >= 0 && !wf_setup_passed(l->marker);
}
