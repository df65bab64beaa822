/* submit_api.c - POST /runs: the body becomes a struct wf_submit, what comes of it an answer. The rules are the core's.
 *
 * With a key the body gets a hash, so that the same key with another wish is refused. What belongs to the wish: the workflow, its
 * parameters, name, executor and directory. The environment, umask, limits and the files found for a fan-out do not: they differ when the same
 * command is given again from another terminal or after the first try has written something.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/api_internal.h"
#include "engine/base/json.h"

enum { KEY_MAX = 255, WHY_MAX = 255, UMASK_DEFAULT = 022 };

/* Everything wf_core_submit only reads during the call. */
struct wish {
	struct wf_submit in;
	const char **names, **values;
	char **env;
	char hash[33];
};

static void wish_release(struct wish *w)
{
	for (size_t i = 0; w->env && w->env[i]; i++)
		free(w->env[i]);
	free(w->env);
	free(w->names);
	free(w->values);
}

/* FNV-1a, 128 bits: no secret rests on it, two wishes must only not look the same by chance. */
static int add_to_hash(const char *p, size_t n, void *arg)
{
	unsigned __int128 *h = arg;
	const unsigned __int128 prime = ((unsigned __int128)1 << 88) | 0x13b;

	for (size_t i = 0; i < n; i++) {
		*h ^= (uint8_t)p[i];
		*h *= prime;
	}
	return 0;
}

static void hash_body(json_t *body, char out[33])
{
	static const char *const parts[] = { "workflow", "params", "name", "executor", "workdir" };
	unsigned __int128 h = ((unsigned __int128)0x6c62272e07bb0142u << 64) | 0x62b821756295c58du;

	for (size_t i = 0; i < WF_COUNT(parts); i++) {
		json_t *v = json_object_get(body, parts[i]);

		add_to_hash(parts[i], strlen(parts[i]) + 1, &h);
		if (v && !json_is_null(v))
			json_dump_callback(v, add_to_hash, &h, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
	}
	snprintf(out, 33, "%016llx%016llx", (unsigned long long)(h >> 64), (unsigned long long)h);
}

static int has_nul(json_t *s)
{
	return strlen(json_string_value(s)) != json_string_length(s);
}

static int take_params(struct wish *w, json_t *body, struct wf_err *err)
{
	json_t *o = json_object_get(body, "params"), *v;
	const char *key;

	if (!o || json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return wf_errf(err, WF_INVALID, "'params' must be an object of texts");
	w->names = wf_xcalloc(json_object_size(o) + 1, sizeof(*w->names));
	w->values = wf_xcalloc(json_object_size(o) + 1, sizeof(*w->values));
	json_object_foreach(o, key, v) {
		if (!json_is_string(v) || has_nul(v))
			return wf_errf(err, WF_INVALID, "parameter '%.80s' must be given as a text, like \"3\"", key);
		w->names[w->in.given] = key;
		w->values[w->in.given++] = json_string_value(v);
	}
	w->in.names = w->names;
	w->in.values = w->values;
	return 0;
}

static int take_env(struct wish *w, json_t *body, struct wf_err *err)
{
	json_t *o = json_object_get(body, "env"), *v;
	const char *key;
	size_t n = 0;

	if (!o || json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return wf_errf(err, WF_INVALID, "'env' must be an object of texts");
	w->env = wf_xcalloc(json_object_size(o) + 1, sizeof(*w->env));
	json_object_foreach(o, key, v) {
		if (!json_is_string(v) || has_nul(v) || !*key || strchr(key, '='))
			return wf_errf(err, WF_INVALID, "environment variable '%.80s' must be a name with a text", key);
		w->env[n++] = wf_xasprintf("%s=%s", key, json_string_value(v));
	}
	w->in.env = w->env;
	return 0;
}

static int take_texts(struct request *rq, struct wish *w, struct wf_err *err)
{
	struct wf_submit *in = &w->in;
	int64_t bits = UMASK_DEFAULT;
	struct wf_limit limits[WF_LIMITS];
	json_t *text = json_object_get(rq->json, "workflow");

	in->key = rq->key_header;
	if (wf_json_str(rq->json, "workflow", 1, &in->text, err) < 0 || wf_json_str(rq->json, "file", 0, &in->file, err) < 0 ||
	    wf_json_str(rq->json, "name", 0, &in->name, err) < 0 || wf_json_str(rq->json, "key", 0, &in->key, err) < 0 ||
	    wf_json_str(rq->json, "executor", 0, &in->executor, err) < 0 ||
	    wf_json_str(rq->json, "executor_why", 0, &in->executor_why, err) < 0 ||
	    wf_json_str(rq->json, "workdir", 1, &in->workdir, err) < 0 || wf_json_int(rq->json, "umask", 0, &bits, err) < 0 ||
	    wf_json_str(rq->json, "limits", 0, &in->limits, err) < 0 ||
	    wf_json_bool(rq->json, "dry_run", 0, &in->dry_run, err) < 0)
		return -1;
	in->text_n = json_string_length(text);
	in->umask_bits = (uint32_t)bits;
	if (rq->key_header && strcmp(in->key, rq->key_header) != 0)
		return wf_errf(err, WF_INVALID, "'key' and the header Idempotency-Key differ; give one");
	if (in->executor_why && (!in->executor || strlen(in->executor_why) > WHY_MAX))
		return wf_errf(err, WF_INVALID, "'executor_why' goes with 'executor' and has at most %d characters", WHY_MAX);
	if (in->key && (!*in->key || strlen(in->key) > KEY_MAX))
		return wf_errf(err, WF_INVALID, "'key' must have 1 to %d characters", KEY_MAX);
	if (in->workdir[0] != '/')
		return wf_errf(err, WF_INVALID, "'workdir' must be an absolute path, not '%.200s'", in->workdir);
	if (bits < 0 || bits > 0777)
		return wf_errf(err, WF_INVALID, "'umask' must be a number from 0 to %d", 0777);
	if (in->limits && wf_limits_parse(in->limits, limits, err) < 0)
		return wf_err_wrap(err, "'limits'");
	return 0;
}

static int take_wish(struct request *rq, struct wish *w, struct wf_err *err)
{
	static const char *const keys[] = { "workflow", "file", "params", "name",    "key",	"executor",
					    "executor_why", "workdir",	"env",	"umask",  "limits", "sources", "dry_run", NULL };
	json_t *sources = json_object_get(rq->json, "sources");

	if (wf_json_only(rq->json, keys, err) < 0 || take_texts(rq, w, err) < 0 || take_params(w, rq->json, err) < 0 ||
	    take_env(w, rq->json, err) < 0)
		return -1;
	if (sources && !json_is_null(sources)) {
		if (!json_is_object(sources))
			return wf_errf(err, WF_INVALID, "'sources' must be an object");
		w->in.sources = sources;
	}
	if (w->in.key) {
		hash_body(rq->json, w->hash);
		w->in.body_hash = w->hash;
	}
	return 0;
}

/* The run may have gone on since, or, replayed, be long over and not in memory: seen like any other. */
static void show(struct request *rq, struct run *r)
{
	char id[WF_ID_TEXT + 1];

	wf_view_id(r, id);
	answer_header(rq, "Location", "/api/v1/runs/%s", id);
	if (rq->replayed)
		answer_header(rq, "Idempotency-Replayed", "true");
	answer_run(rq, r, rq->replayed ? 200 : 201);
}

static void on_submitted(void *arg, uint64_t run, int replayed, const struct wdf_diags *findings, const struct wf_err *err)
{
	struct request *rq = arg;
	json_t *list = wf_view_findings(findings);

	if (rq->ready) {
		json_decref(list);
	} else if (err) {
		/* A key that stands for another wish is wrong input here, and a conflict for the command line's exit code. */
		int status = rq->has_key && err->code == WF_CONFLICT ? 422 : wf_code_http(err->code);

		answer_findings(rq, status, err, list);
		json_decref(list);
	} else if (run) {
		rq->warnings = list;
		rq->replayed = (uint8_t)replayed;
		rq->run = run;
		with_run(rq, show);
	} else {
		struct wf_buf *out = &rq->out;

		wf_buf_str(out, "{\"dry_run\":true,\"warnings\":");
		if (list)
			wf_json_dump(list, out);
		else
			wf_buf_str(out, "[]");
		wf_buf_char(out, '}');
		json_decref(list);
		answer(rq, 200);
	}
	request_unref(rq);
}

void runs_submit(struct request *rq)
{
	struct wish w = { 0 };
	struct wf_err err;

	if (take_wish(rq, &w, &err) < 0) {
		answer_error(rq, &err);
	} else {
		rq->has_key = w.in.key != NULL;
		request_hold(rq);
		wf_core_submit(rq->api->engine, &w.in, on_submitted, rq);
	}
	wish_release(&w);
}
