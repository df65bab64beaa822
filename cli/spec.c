/* spec.c - owns the offline way of a workflow file; what is right in one is known by wdf-schema and dag. */
#include "cli/spec.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "engine/base/os.h"

/* The finding for what is valid and cannot be executed yet (wdf-schema/codes.h). */
static const char not_yet[] = "E0601";

const char *const *spec_type_dirs(void)
{
	static const char site[] = "/etc/wf/types";
	static char *shipped;
	static const char *dirs[3];
	size_t n = 0;

	if (!shipped)
		shipped = wf_xasprintf("%s/types", wf_path_share());
	dirs[n++] = shipped;
	if (wf_file_exists(wf_os_posix(), site))
		dirs[n++] = site;
	dirs[n] = NULL;
	return dirs;
}

int spec_read(struct spec *s, const char *path, struct wf_err *err)
{
	const char *const *dirs = spec_type_dirs();
	size_t n = 0;

	memset(s, 0, sizeof(*s));
	s->path = path;
	s->session = "SESSION";
	if (wf_file_read(wf_os_posix(), path, WDF_MAX_BYTES, &s->text, err) < 0)
		return -1;
	while (dirs[n])
		n++;
	s->types = wdf_types_load(dirs, n, err);
	return s->types ? 0 : wf_err_wrap(err, "service types");
}

int spec_params(struct spec *s, const struct args *args, struct wf_err *err)
{
	const char *p;
	size_t cap = 0, cap_values = 0;

	for (size_t i = 0; (p = args_nth(args, "param", i)); i++) {
		const char *eq = strchr(p, '=');
		char *name;

		if (!eq || eq == p)
			return wf_errf(err, WF_USAGE, "'-p' needs NAME=VALUE, not '%s'", p);
		name = wf_xstrndup(p, (size_t)(eq - p));
		s->names = wf_grow(s->names, &cap, s->given + 1, sizeof(*s->names));
		s->values = wf_grow(s->values, &cap_values, s->given + 1, sizeof(*s->values));
		s->names[s->given] = name;
		s->values[s->given++] = wf_xstrdup(eq + 1);
		if (strcmp(name, "SESSION") == 0 || strcmp(name, "STEP") == 0)
			return wf_errf(err, WF_USAGE, "'%s' is reserved: wf gives it its value", name);
		for (size_t k = 0; k + 1 < s->given; k++)
			if (strcmp(s->names[k], name) == 0)
				return wf_errf(err, WF_USAGE, "parameter '%s' is given twice", name);
	}
	return 0;
}

int spec_parse(struct spec *s, int allow_needed)
{
	struct wdf_input in = {
		.text = wf_buf_cstr(&s->text),
		.len = s->text.len,
		.file = s->path,
		.names = (const char *const *)s->names,
		.values = (const char *const *)s->values,
		.given = s->given,
		.session = s->session,
		.allow_needed = allow_needed,
	};

	s->wdf = wdf_parse(&in, s->types, &s->diags);
	return s->wdf ? 0 : -1;
}

int spec_expand(struct spec *s, const char *dir, struct wf_err *err)
{
	err->code = WF_OK;
	s->sources = wdf_source_read(s->wdf, dir, err);
	if (!s->sources)
		return -1;
	s->dag = dag_build(s->wdf, s->sources, dir, &s->diags);
	return s->dag ? 0 : -1;
}

int spec_executable(struct spec *s, const char *executor)
{
	return wdf_executable(s->wdf, executor, s->types, &s->diags);
}

void spec_findings(const struct spec *s, struct out *out)
{
	struct wf_buf b = { 0 };

	wdf_diags_text(&s->diags, s->path, wf_buf_cstr(&s->text), s->text.len, out->talk.color, &b);
	fflush(stdout);
	fputs(wf_buf_cstr(&b), stderr);
	wf_buf_release(&b);
}

int spec_code(const struct spec *s)
{
	for (size_t i = 0; i < s->diags.count; i++)
		if (s->diags.items[i].severity == WDF_ERROR && strcmp(s->diags.items[i].code, not_yet) != 0)
			return wf_code_exit(WF_INVALID);
	return wf_code_exit(s->diags.errors ? WF_RESOURCE : WF_OK);
}

int spec_fail(const struct spec *s, struct out *out)
{
	int code = spec_code(s);

	spec_findings(s, out);
	if (code == wf_code_exit(WF_RESOURCE))
		out_say(out, "'%s' is valid, but this version cannot execute all of it", s->path);
	else
		out_say(out, "'%s' has %zu error%s", s->path, s->diags.errors, s->diags.errors == 1 ? "" : "s");
	return code;
}

void spec_release(struct spec *s)
{
	dag_free(s->dag);
	json_decref(s->sources);
	wdf_free(s->wdf);
	wdf_diags_release(&s->diags);
	wdf_types_free(s->types);
	wf_buf_release(&s->text);
	for (size_t i = 0; i < s->given; i++) {
		free(s->names[i]);
		free(s->values[i]);
	}
	free(s->names);
	free(s->values);
	memset(s, 0, sizeof(*s));
}
