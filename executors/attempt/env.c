/* env.c - owns how the layers of an environment become one; knows nothing of what the names mean. */
#include "executors/attempt/env.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"

static size_t count(const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* Does `list` set the name that `entry` sets? */
static int sets(const char *const *list, const char *entry)
{
	size_t n = strcspn(entry, "=");

	for (; list && *list; list++)
		if (**list == *entry && strncmp(*list, entry, n) == 0 && (*list)[n] == '=')
			return 1;
	return 0;
}

const char **wf_attempt_env(const char *const *base, const char *const *more, const char *const *extra)
{
	const char *const *layers[] = { base, more, extra };
	size_t n = 0;
	const char **env = wf_xmalloc((count(base) + count(more) + count(extra) + 1) * sizeof(*env));

	for (size_t i = 0; i < WF_COUNT(layers); i++) {
		for (const char *const *e = layers[i]; e && *e; e++) {
			int hidden = 0;

			/* An entry without '=' is no variable: no program could ask for it. */
			if (!strchr(*e, '='))
				continue;
			for (size_t k = i + 1; k < WF_COUNT(layers) && !hidden; k++)
				hidden = sets(layers[k], *e);
			if (!hidden)
				env[n++] = *e;
		}
	}
	env[n] = NULL;
	return env;
}

size_t wf_attempt_own_env(const struct wf_start *s, struct wf_arena *a, const char **out)
{
	const char *name = s->name ? s->name : "", *cwd = s->cwd ? s->cwd : "/";
	char digits[24];
	size_t n = 0;

	out[n++] = wf_arena_join(a, "WF_TOKEN=", s->token ? s->token : "", NULL);
	if (s->result_path)
		out[n++] = wf_arena_join(a, "WF_RESULT=", s->result_path, NULL);
	if (s->key.kind != WF_KIND_STEP)
		return n;
	/* A task's name is its step's, and an index in brackets where it has one. */
	out[n++] = wf_arena_join(a, "WF_STEP=", wf_arena_strndup(a, name, strcspn(name, "[")), NULL);
	out[n++] = wf_arena_join(a, "WF_TASK_ID=", name, NULL);
	out[n++] = wf_arena_join(a, "WF_INDEX=", wf_u64_text(digits, s->key.index), NULL);
	out[n++] = wf_arena_join(a, "WF_ATTEMPT=", wf_u64_text(digits, s->key.attempt), NULL);
	out[n++] = wf_arena_join(a, "WF_WORKDIR=", cwd, NULL);
	out[n++] = wf_arena_join(a, "PWD=", cwd, NULL);
	return n;
}

const char *wf_attempt_env_get(const char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}
