/* command_render.c - owns how words and scripts get their values for one task. What a command is, command.c knows; which names exist, the
 * scope.
 *
 * A value is part of one word, or the content of an environment variable that the script refers to, in the quoting it stands in. Only where
 * nothing is expanded, or where what is expanded is read again, the value itself is put, if it is harmless.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/command.h"
#include "wdf-schema/diag.h"
#include "wdf-schema/shell.h"
#include "wdf-schema/value.h"

/* A command line longer than this fails in execve on every Linux; say so before. */
enum { LONGEST_WORD = 128 * 1024 - 1, LONGEST_LINE = 1536 * 1024 };

int wdf_value_is_harmless(const char *text)
{
	for (; *text; text++)
		if (!((*text | 0x20) >= 'a' && (*text | 0x20) <= 'z') && !(*text >= '0' && *text <= '9') &&
		    !strchr("_./:,+@%=-", *text))
			return 0;
	return 1;
}

struct render {
	struct wf_arena *a;
	const struct wdf_scope *scope;
	struct wf_err *err;
	char **argv, **env;
	size_t argc, argv_cap, env_count, env_cap;
	unsigned next;     /* number of the next WF_V */
	size_t bytes;
	const char *prefix; /* of the names of variables of our own */
};

static int add_text(struct render *r, char ***list, size_t *count, size_t *cap, const char *text, size_t n)
{
	r->bytes += n + 1 + sizeof(char *);
	if (n > LONGEST_WORD || r->bytes > LONGEST_LINE)
		return wf_errf(r->err, WF_INVALID,
			       "the command line is longer than the system allows; put the list into a file");
	*list = wf_grow(*list, cap, *count + 2, sizeof(**list));
	(*list)[(*count)++] = wf_arena_strndup(r->a, text, n);
	(*list)[*count] = NULL;
	return 0;
}

static int add_arg(struct render *r, const char *text, size_t n)
{
	return add_text(r, &r->argv, &r->argc, &r->argv_cap, text, n);
}

static int refuse_value(struct render *r, const struct wdf_part *p, const char *value)
{
	char shown[WDF_SHOWN];
	struct wf_buf env = { 0 };
	char name[129];

	snprintf(name, sizeof(name), "%.*s", (int)p->len, p->text);
	wdf_param_env(&env, name);
	wf_errf(r->err, WF_INVALID,
		"value '%s' of '{{ %s }}' could become syntax where it stands (single quotes, or a script for "
		"another interpreter); use $%s there",
		wdf_shown(value, strlen(value), shown), name, wf_buf_cstr(&env));
	wf_buf_release(&env);
	return -1;
}

/* Value as text, only if harmless. */
static int add_harmless(struct render *r, const struct wdf_part *p, struct wf_buf *out)
{
	size_t before = out->len;

	if (wdf_part_render(p, r->scope, out, r->err) < 0)
		return -1;
	return !out->data || wdf_value_is_harmless(out->data + before) ? 0 :
									 refuse_value(r, p, out->data + before);
}

static int render_word(struct render *r, const struct wdf_word *w)
{
	struct wf_arena made = { 0 };
	struct wf_buf b = { 0 };
	struct wdf_value v;
	int rc = 0, done = 0;

	if (w->spread && !w->script) {
		const struct wdf_part *p = w->tmpl.parts;

		rc = wdf_scope_resolve(r->scope, p->text, p->len, &made, &v, r->err);
		done = rc == 0 && v.kind == WDF_LIST;
		for (uint32_t i = 0; rc == 0 && done && i < v.count; i++) {
			wf_buf_clear(&b);
			wdf_value_text(&v.items[i], &b);
			rc = add_arg(r, wf_buf_cstr(&b), b.len);
		}
	}
	wf_buf_clear(&b);
	for (uint32_t i = 0; rc == 0 && !done && i < w->tmpl.count; i++) {
		const struct wdf_part *p = &w->tmpl.parts[i];

		if (!p->is_name)
			wf_buf_add(&b, p->text, p->len);
		else if (w->script)
			rc = add_harmless(r, p, &b);
		else
			rc = wdf_part_render(p, r->scope, &b, r->err);
	}
	if (rc == 0 && !done)
		rc = add_arg(r, wf_buf_cstr(&b), b.len);
	wf_buf_release(&b);
	wf_arena_release(&made);
	return rc;
}

/* The variable `name` with this value: one that is there already, or a new one. -1 when the name has another value. */
static int find_env(const struct render *r, const char *name, const char *value)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < r->env_count; i++)
		if (strncmp(r->env[i], name, n) == 0 && r->env[i][n] == '=')
			return strcmp(r->env[i] + n + 1, value) == 0 ? 1 : -1;
	return 0;
}

/* Write the name of a variable that has the value. A parameter keeps the name that the task has it under anyway; lists,
 * fields and padded numbers get one of their own. */
static int reference(struct render *r, const struct wdf_part *p, int own, const char *value, struct wf_buf *name)
{
	struct wf_buf entry = { 0 };
	int there = -1, rc;

	wf_buf_clear(name);
	if (!own && !p->width && !memchr(p->text, '.', p->len)) {
		char word[129];

		snprintf(word, sizeof(word), "%.*s", (int)p->len, p->text);
		wdf_param_env(name, word);
		there = find_env(r, wf_buf_cstr(name), value);
	}
	if (there < 0) {
		wf_buf_clear(name);
		wf_buf_printf(name, "%s%u", r->prefix, r->next++);
		there = 0;
	}
	if (there)
		return 0;
	wf_buf_printf(&entry, "%s=", wf_buf_cstr(name));
	wf_buf_str(&entry, value);
	rc = add_text(r, &r->env, &r->env_count, &r->env_cap, entry.data, entry.len);
	wf_buf_release(&entry);
	return rc;
}

static int render_reference(struct render *r, const struct wdf_part *p, int bare, struct wf_buf *script)
{
	struct wf_buf text = { 0 }, name = { 0 };
	struct wf_arena made = { 0 };
	struct wdf_value v;
	int rc = wdf_scope_resolve(r->scope, p->text, p->len, &made, &v, r->err);

	if (rc == 0 && bare && v.kind == WDF_LIST && !p->join) {
		for (uint32_t i = 0; rc == 0 && i < v.count; i++) {
			wf_buf_clear(&text);
			wdf_value_text(&v.items[i], &text);
			rc = reference(r, p, 1, wf_buf_cstr(&text), &name);
			wf_buf_printf(script, "%s\"${%s}\"", i ? " " : "", wf_buf_cstr(&name));
		}
	} else if (rc == 0) {
		rc = wdf_part_render(p, r->scope, &text, r->err);
		if (rc == 0)
			rc = reference(r, p, v.kind == WDF_LIST, wf_buf_cstr(&text), &name);
		wf_buf_printf(script, bare ? "\"${%s}\"" : "${%s}", wf_buf_cstr(&name));
	}
	wf_buf_release(&text);
	wf_buf_release(&name);
	wf_arena_release(&made);
	return rc;
}

static int render_script(struct render *r, const struct wdf_command *c)
{
	struct wf_buf script = { 0 };
	int rc = 0;

	for (const char **w = c->shell; *w && rc == 0; w++)
		rc = add_arg(r, *w, strlen(*w));
	if (rc == 0)
		rc = add_arg(r, "-c", 2);
	for (uint32_t i = 0; rc == 0 && i < c->script.count; i++) {
		const struct wdf_part *p = &c->script.parts[i];

		if (!p->is_name)
			wf_buf_add(&script, p->text, p->len);
		else if (c->quote[i] == WDF_Q_TEXT)
			rc = add_harmless(r, p, &script);
		else
			rc = render_reference(r, p, c->quote[i] == WDF_Q_BARE, &script);
	}
	if (rc == 0)
		rc = add_arg(r, wf_buf_cstr(&script), script.len);
	wf_buf_release(&script);
	return rc;
}

static int render(const struct wdf_command *c, const char *prefix, const struct wdf_scope *scope, struct wf_arena *a,
		  struct wdf_argv *out, struct wf_err *err)
{
	struct render r = { .a = a, .scope = scope, .err = err, .prefix = prefix };
	int rc = 0;

	if (c->kind == WDF_COMMAND_SHELL)
		rc = render_script(&r, c);
	for (uint32_t i = 0; rc == 0 && i < c->word_count; i++)
		rc = render_word(&r, &c->words[i]);
	if (rc == 0 && (r.argc == 0 || !r.argv[0][0]))
		rc = wf_errf(err, WF_INVALID, "the command is empty once its values are put in");
	if (rc == 0) {
		memset(out, 0, sizeof(*out));
		out->argc = r.argc;
		out->argv = wf_arena_alloc(a, (r.argc + 1) * sizeof(char *));
		memcpy(out->argv, r.argv, r.argc * sizeof(char *));
		out->env_count = r.env_count;
		out->env = wf_arena_alloc(a, (r.env_count + 1) * sizeof(char *));
		if (r.env_count)
			memcpy(out->env, r.env, r.env_count * sizeof(char *));
	}
	free(r.argv);
	free(r.env);
	return rc;
}

int wdf_command_render(const struct wdf_command *c, const struct wdf_scope *scope, struct wf_arena *a,
		       struct wdf_argv *out, struct wf_err *err)
{
	return render(c, "WF_V", scope, a, out, err);
}

int wdf_setup_render(const struct wdf_step *s, const struct wdf_scope *scope, struct wf_arena *a, const char **script,
		     char ***env, size_t *env_count, struct wf_err *err)
{
	struct wdf_argv v = { 0 };

	if (s->setup_script && render(s->setup_script, "WF_SETUP_V", scope, a, &v, err) < 0)
		return -1;
	*script = v.argc ? v.argv[v.argc - 1] : "";
	*env = v.env ? v.env : wf_arena_alloc(a, sizeof(char *));
	*env_count = v.env_count;
	return 0;
}
