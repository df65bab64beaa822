/* runs.c - owns the requests about runs that commands share. */
#include "cli/runs.h"

#include <string.h>

#include "cli/field.h"

json_t *run_get(struct client *c, const char *run, const char *what, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	json_t *doc;

	url_path(&url, "runs", run, what, NULL);
	doc = client_get(c, &url, err);
	wf_buf_release(&url);
	return doc;
}

json_t *run_verb(struct client *c, const char *run, const char *verb, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	json_t *doc;

	url_path(&url, "runs", run, NULL);
	url_verb(&url, verb);
	doc = client_post(c, &url, NULL, 0, err);
	wf_buf_release(&url);
	return doc;
}

int runs_apply(const struct args *args, struct out *out, const char *verb)
{
	struct wf_err err;
	struct client *c = client_open(CLIENT_START, &err);
	int rc = 0;

	if (!c)
		return out_fail(out, &err);
	if (args->operand_count > 1)
		out_list_begin(out, OUT_RUNS);
	for (size_t i = 0; i < args->operand_count; i++) {
		json_t *run = run_verb(c, args->operands[i], verb, &err), *page;

		if (!run) {
			rc = out_fail(out, &err);
			continue;
		}
		if (args->operand_count == 1) {
			out_show(out, OUT_RUN, run);
		} else {
			page = json_pack("[O]", run);
			out_list_page(out, page);
			json_decref(page);
		}
		json_decref(run);
	}
	if (args->operand_count > 1)
		out_list_end(out, NULL);
	client_close(c);
	return rc;
}

int list_pages(struct client *c, struct out *out, enum out_kind kind, struct wf_buf *url, int64_t limit)
{
	enum { PAGE = 1000 };
	char *base = wf_buf_take(url), *next = NULL;
	int64_t left = limit ? limit : INT64_MAX;
	struct wf_err err;
	int rc = 0, begun = 0;

	do {
		json_t *doc, *items;

		wf_buf_str(url, base);
		url_number(url, "page_size", left < PAGE ? left : PAGE);
		url_query(url, "page_token", next);
		free(next);
		next = NULL;
		doc = client_get(c, url, &err);
		if (!doc) {
			rc = out_fail(out, &err);
			break;
		}
		if (!begun++)
			out_list_begin(out, kind);
		items = json_object_get(doc, "items");
		out_list_page(out, items);
		left -= (int64_t)json_array_size(items);
		if (field_has(doc, "next"))
			next = wf_xstrdup(field_str(doc, "next"));
		json_decref(doc);
	} while (next && *next && left > 0);
	if (begun)
		out_list_end(out, next && *next ? next : NULL);
	free(next);
	free(base);
	return rc;
}
