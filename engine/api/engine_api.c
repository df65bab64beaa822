/* engine_api.c - what can be asked of the engine itself: how it is, its configuration, a copy of its state, to leave. */
#include <string.h>

#include "engine/api/api_internal.h"
#include "engine/base/json.h"
#include "engine/core/config.h"
#include "engine/core/writer.h"

void engine_show(struct request *rq)
{
	wf_view_engine(rq->api->view, &rq->out);
	answer(rq, 200);
}

static int no_keys(struct request *rq)
{
	static const char *const none[] = { NULL };
	struct wf_err err;

	if (wf_json_only(rq->json, none, &err) == 0)
		return 0;
	answer_error(rq, &err);
	return -1;
}

/* The answer leaves first; api_sent then tells whoever has to end the process. Agents and tasks go on. */
void engine_stop(struct request *rq)
{
	if (no_keys(rq) < 0)
		return;
	rq->stops_engine = 1;
	wf_view_engine(rq->api->view, &rq->out);
	answer(rq, 202);
}

void engine_backup(struct request *rq)
{
	static const char *const keys[] = { "file", NULL };
	const char *file = NULL;
	struct wf_err err;

	if (wf_json_only(rq->json, keys, &err) < 0 || wf_json_str(rq->json, "file", 1, &file, &err) < 0) {
		answer_error(rq, &err);
		return;
	}
	if (file[0] != '/') {
		wf_errf(&err, WF_INVALID, "'file' must be an absolute path, not '%.200s'", file);
		answer_error(rq, &err);
		return;
	}
	request_hold(rq);
	wf_history_backup(rq->api->engine, file, answer_history, rq);
}

void config_show(struct request *rq)
{
	const struct wf_config *c = rq->api->config;

	jw_open(&rq->out, NULL, '{');
	jw_open(&rq->out, "items", '[');
	for (size_t i = 0; c && i < WF_CONFIG_COUNT; i++) {
		jw_open(&rq->out, NULL, '{');
		jw_str(&rq->out, "key", c->items[i].key);
		jw_str(&rq->out, "value", c->items[i].value);
		jw_str(&rq->out, "origin", c->items[i].origin);
		jw_close(&rq->out, '}');
	}
	jw_close(&rq->out, ']');
	jw_null(&rq->out, "next");
	jw_close(&rq->out, '}');
	jw_end(&rq->out);
	answer(rq, 200);
}
