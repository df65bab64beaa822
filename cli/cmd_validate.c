/* cmd_validate.c - `wf validate`: every finding of each file, without an engine. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/spec.h"
#include "engine/base/json.h"

const struct opt cmd_validate_options[] = {
	{ .letter = 'p', .name = "param", .value = "NAME=VALUE", .help = "give a parameter its value", .many = 1 },
	{ .name = "executable", .help = "also say what this version cannot run yet" },
	{ 0 },
};

/* {file, valid, workflow, steps, tasks, findings, needed} */
static json_t *report(const struct spec *s, int valid)
{
	json_t *doc = json_object(), *needed = json_array();

	json_object_set_new(doc, "file", wf_json_text(s->path, strlen(s->path)));
	json_object_set_new(doc, "valid", json_boolean(valid));
	if (s->wdf) {
		json_object_set_new(doc, "workflow", json_string(s->wdf->name ? s->wdf->name : ""));
		json_object_set_new(doc, "steps", json_integer(s->wdf->step_count));
	}
	if (s->dag)
		json_object_set_new(doc, "tasks", json_integer(s->dag->task_count));
	json_object_set_new(doc, "findings", wdf_diags_json(&s->diags));
	for (uint32_t i = 0; s->wdf && i < s->wdf->needed_count; i++) {
		const struct wdf_needed *n = &s->wdf->needed[i];

		json_array_append_new(needed, json_pack("{s:s, s:i, s:i}", "name", n->name, "line", (int)n->pos.line, "column",
							(int)n->pos.column));
	}
	json_object_set_new(doc, "needed", needed);
	return doc;
}

static void summary(struct out *out, const struct spec *s)
{
	struct wf_buf b = { 0 };

	wf_buf_printf(&b, "%s: valid, %u step%s", s->path, s->wdf->step_count, s->wdf->step_count == 1 ? "" : "s");
	if (s->dag)
		wf_buf_printf(&b, ", %u task%s", s->dag->task_count, s->dag->task_count == 1 ? "" : "s");
	for (uint32_t i = 0; i < s->wdf->needed_count; i++)
		wf_buf_printf(&b, "%s%s (line %u)", i ? ", " : "; needs -p ", s->wdf->needed[i].name, s->wdf->needed[i].pos.line);
	out_text(out, "%s\n", wf_buf_cstr(&b));
	wf_buf_release(&b);
}

/* A file whose names are all given is expanded too: cycles and clashes of paths show only then. */
static int check(struct spec *s, const struct args *args, struct out *out, const char *cwd)
{
	struct wf_err err = { 0 };

	if (spec_parse(s, 1) < 0)
		return -1;
	if (!s->wdf->needed_count && spec_expand(s, cwd, &err) < 0) {
		if (err.code == WF_OK)
			return -1;
		out_say(out, "%s: not expanded: %s", s->path, err.text);
	}
	return args_has(args, "executable") ? spec_executable(s, "local") : 0;
}

static int validate(const struct args *args, struct out *out, const char *path, const char *cwd, json_t *items)
{
	struct wf_err err;
	struct spec s = { 0 };
	int rc = 0, valid;

	if (spec_read(&s, path, &err) < 0 || spec_params(&s, args, &err) < 0) {
		rc = out_fail(out, &err);
		json_array_append_new(items, json_pack("{s:o, s:b, s:s, s:o}", "file", wf_json_text(path, strlen(path)), "valid", 0,
						       "code", wf_code_name(err.code), "detail",
						       wf_json_text(err.text, strlen(err.text))));
		goto out;
	}
	valid = check(&s, args, out, cwd) == 0;
	json_array_append_new(items, report(&s, valid));
	if (!valid && out->mode != OUT_HUMAN)
		rc = spec_code(&s);
	else if (!valid)
		rc = spec_fail(&s, out);
	else if (out->mode == OUT_HUMAN) {
		spec_findings(&s, out);
		summary(out, &s);
	}
out:
	spec_release(&s);
	return rc;
}

int cmd_validate(const struct args *args, struct out *out)
{
	char *cwd = getcwd(NULL, 0);
	json_t *items = json_array(), *doc;
	int rc = 0;

	for (size_t i = 0; i < args->operand_count; i++) {
		int one = validate(args, out, args->operands[i], cwd ? cwd : "/", items);

		/* Usage, missing files and the like over findings: they mean that something was not even looked at. */
		if (one && (!rc || rc == wf_code_exit(WF_INVALID) || rc == wf_code_exit(WF_RESOURCE)))
			rc = one;
	}
	if (out->mode == OUT_JSON) {
		doc = json_pack("{s:O, s:n}", "items", items, "next");
		out_show(out, OUT_FINDINGS, doc);
		json_decref(doc);
	}
	json_decref(items);
	free(cwd);
	return rc;
}
