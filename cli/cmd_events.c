/* cmd_events.c - `wf events`: what was committed, in order, once or as it comes. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/field.h"
#include "cli/runs.h"

const struct opt cmd_events_options[] = {
	{ .letter = 'f', .name = "follow", .help = "go on until the run has ended" },
	{ .name = "since", .value = "SEQ", .help = "only events after this one" },
	{ .letter = 'n', .name = "limit", .value = "N", .help = "at most so many" },
	{ 0 },
};

enum { PIECE = 1000, WAIT_S = 10 };

struct reader {
	struct client *client;
	struct out *out;
	const char *run;
	int64_t since, left;
	int follow, begun;
};

/* One request; how many there were, or -1. */
static int64_t read_some(struct reader *r, int wait_s, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	json_t *doc, *items, *event;
	int64_t n = -1;
	size_t i;

	url_path(&url, "runs", r->run, "events", NULL);
	url_number(&url, "since", r->since);
	url_number(&url, "limit", r->left < PIECE ? r->left : PIECE);
	if (wait_s)
		url_number(&url, "wait", wait_s);
	doc = client_get(r->client, &url, err);
	wf_buf_release(&url);
	if (!doc)
		return -1;
	items = json_object_get(doc, "items");
	n = (int64_t)json_array_size(items);
	r->left -= n;
	if (!r->follow) {
		if (!r->begun++)
			out_list_begin(r->out, OUT_EVENTS);
		out_list_page(r->out, items);
	}
	json_array_foreach(items, i, event) {
		if (r->follow)
			out_stream(r->out, OUT_EVENTS, event);
		r->since = field_int(event, "seq");
	}
	json_decref(doc);
	return n;
}

/* Whether the run has ended is asked before each look: a look without waiting after its end that finds nothing is the
 * last. */
static int follow(struct reader *r, struct wf_err *err)
{
	int ended = 0;

	while (r->left > 0) {
		int64_t n;

		if (!ended) {
			json_t *run = run_get(r->client, r->run, NULL, err);

			if (!run)
				return -1;
			ended = run_is_ended(run);
			json_decref(run);
		}
		n = read_some(r, ended ? 0 : WAIT_S, err);
		if (n < 0)
			return -1;
		if (!n && ended)
			return 0;
	}
	return 0;
}

int cmd_events(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct reader r = { .out = out, .run = args_operand(args, 0), .follow = args_has(args, "follow") };
	int64_t n = 1;
	int rc = 0;

	if (args_number(args, "since", 0, INT64_MAX, 0, &r.since, &err) < 0 ||
	    args_number(args, "limit", 1, INT64_MAX, INT64_MAX, &r.left, &err) < 0 ||
	    !(r.client = client_open(CLIENT_START, &err)))
		return out_fail(out, &err);
	if (r.follow) {
		rc = follow(&r, &err) < 0 ? out_fail(out, &err) : 0;
	} else {
		while (n > 0 && r.left > 0)
			n = read_some(&r, 0, &err);
		if (n < 0)
			rc = out_fail(out, &err);
		if (r.begun)
			out_list_end(out, NULL);
	}
	client_close(r.client);
	return rc;
}
