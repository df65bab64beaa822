/* cmd_status.c - `wf status`: one run with its steps and services, or how all of them stand. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/field.h"
#include "cli/runs.h"

const struct opt cmd_status_options[] = {
	{ 0 },
};

/* Scripts get the run as the interface has it. */
static int one_for_scripts(struct client *c, struct out *out, const char *name, struct wf_err *err)
{
	json_t *run = run_get(c, name, NULL, err);

	if (!run)
		return -1;
	out_show(out, OUT_STATUS, run);
	json_decref(run);
	return 0;
}

/* People see the steps and services too; the run and its steps are of one moment. */
static int one(struct client *c, struct out *out, const char *name, struct wf_err *err)
{
	json_t *steps = run_get(c, name, "steps", err), *run = json_object_get(steps, "run"), *services = NULL, *view;

	if (steps)
		services = run_get(c, field_str(run, "id"), "services", err);
	if (services) {
		view = json_pack("{s:O, s:O?, s:O?}", "run", run, "steps", json_object_get(steps, "items"), "services",
				 json_object_get(services, "items"));
		out_show(out, OUT_STATUS, view);
		json_decref(view);
	}
	json_decref(steps);
	json_decref(services);
	return services ? 0 : -1;
}

/* Runs that live, all of them; of those that have ended the newest, up to so many lines; then what needs a person, and
 * the services. */
static int all_for_people(struct client *c, struct out *out, struct wf_err *err)
{
	enum { LINES = 10, LOOK = 500 };
	struct wf_buf url = { 0 };
	json_t *runs, *services, *shown = json_array(), *run;
	size_t i;

	url_path(&url, "runs", NULL);
	url_number(&url, "page_size", LOOK);
	runs = client_get(c, &url, err);
	url_path(&url, "services", NULL);
	services = runs ? client_get(c, &url, err) : NULL;
	wf_buf_release(&url);
	json_array_foreach(json_object_get(runs, "items"), i, run)
		if (!run_is_ended(run) || i < LINES)
			json_array_append(shown, run);
	if (services && !json_array_size(shown))
		out_say(out, "no runs yet; `wf submit FILE` makes one");
	if (services) {
		json_t *view = json_pack("{s:o, s:O?}", "runs", shown, "services", json_object_get(services, "items"));

		out_show(out, OUT_OVERVIEW, view);
		json_decref(view);
	} else {
		json_decref(shown);
	}
	json_decref(runs);
	json_decref(services);
	return services ? 0 : -1;
}

static int all(struct client *c, struct out *out)
{
	struct wf_buf url = { 0 };
	int rc;

	url_path(&url, "runs", NULL);
	rc = list_pages(c, out, OUT_RUNS, &url, 0);
	wf_buf_release(&url);
	return rc;
}

int cmd_status(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct client *c = client_open(CLIENT_START, &err);
	int rc = 0;

	if (!c)
		return out_fail(out, &err);
	if (!args_operand(args, 0) && out->mode != OUT_HUMAN)
		rc = all(c, out);
	else if (!args_operand(args, 0) && all_for_people(c, out, &err) < 0)
		rc = out_fail(out, &err);
	else if (args_operand(args, 0) && (out->mode == OUT_HUMAN ? one : one_for_scripts)(c, out, args_operand(args, 0), &err) < 0)
		rc = out_fail(out, &err);
	client_close(c);
	return rc;
}
