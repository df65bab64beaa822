/* field.c - owns reading the engine's documents and the look of states; does no I/O. */
#include "cli/field.h"

#include <string.h>

#include "engine/base/os.h"

int field_has(json_t *doc, const char *key)
{
	json_t *v = json_object_get(doc, key);

	return v && !json_is_null(v);
}

const char *field_str(json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s ? s : "";
}

const char *field_service(json_t *doc)
{
	return field_has(doc, "label") ? field_str(doc, "label") : field_str(doc, "name");
}

int64_t field_int(json_t *doc, const char *key)
{
	json_t *v = json_object_get(doc, key);

	return json_is_real(v) ? (int64_t)json_real_value(v) : json_integer_value(v);
}

int field_true(json_t *doc, const char *key)
{
	return json_is_true(json_object_get(doc, key));
}

int64_t field_time(json_t *doc, const char *key)
{
	return text_time(json_string_value(json_object_get(doc, key)));
}

int64_t field_count(json_t *doc, const char *state)
{
	return field_int(json_object_get(doc, "counts"), state);
}

const char *run_short(json_t *run)
{
	const char *id = field_str(run, "id");
	size_t n = strlen(id);

	return n > 8 ? id + n - 8 : id;
}

int run_is_ended(json_t *run)
{
	const char *s = field_str(run, "state");

	return strcmp(s, "succeeded") == 0 || strcmp(s, "failed") == 0 || strcmp(s, "canceled") == 0;
}

int64_t run_elapsed(json_t *run)
{
	int64_t from = field_time(run, "started_at"), to = field_time(run, "ended_at");

	if (!from)
		return -1;
	if (!to)
		to = wf_os_wall_ms(wf_os_posix());
	return to > from ? to - from : 0;
}

int64_t counts_done(json_t *counts)
{
	return field_int(counts, "succeeded") + field_int(counts, "failed") + field_int(counts, "skipped") +
	       field_int(counts, "canceled");
}

int run_exit(json_t *run)
{
	const char *s = field_str(run, "state");

	return wf_code_exit(strcmp(s, "succeeded") == 0 ? WF_OK :
			    strcmp(s, "failed") == 0    ? WF_RUN_FAILED :
			    strcmp(s, "canceled") == 0  ? WF_RUN_CANCELED :
							  WF_STILL);
}

static const struct {
	const char *state;
	enum style style;
	const char *utf8, *ascii;
} looks[] = {
	{ "succeeded", GOOD, "\xe2\x9c\x93", "+" },
	{ "ready", LIVE, "\xe2\x97\x8b", "o" },
	{ "running", LIVE, "\xe2\x96\xb6", ">" },
	{ "submitting", LIVE, "\xe2\x97\x8b", "o" },
	{ "queued", LIVE, "\xe2\x97\x8b", "o" },
	{ "starting", LIVE, "\xe2\x97\x8b", "o" },
	{ "restarting", WARN, "\xe2\x97\x8b", "o" },
	{ "failed", BAD, "\xe2\x9c\x97", "x" },
	{ "leaked", BAD, "!", "!" },
	{ "held", WARN, "!", "!" },
	{ "unknown", WARN, "?", "?" },
	{ "degraded", WARN, "!", "!" },
	{ "paused", WARN, "\xe2\x80\x96", "=" },
	{ "canceling", WARN, "\xe2\x80\x93", "-" },
	{ "canceled", WARN, "\xe2\x80\x93", "-" },
	{ "skipped", DIM, "\xe2\x80\x93", "-" },
	{ "waiting", DIM, "\xc2\xb7", "." },
	{ "declared", DIM, "\xc2\xb7", "." },
	{ "pending", DIM, "\xc2\xb7", "." },
	{ "stopped", DIM, "\xe2\x9c\x93", "+" },
};

enum style style_of(const char *state)
{
	for (size_t i = 0; i < WF_COUNT(looks); i++)
		if (strcmp(looks[i].state, state) == 0)
			return looks[i].style;
	return PLAIN;
}

const char *glyph_of(const struct term *t, const char *state)
{
	for (size_t i = 0; i < WF_COUNT(looks); i++)
		if (strcmp(looks[i].state, state) == 0)
			return t->utf8 ? looks[i].utf8 : looks[i].ascii;
	return " ";
}
