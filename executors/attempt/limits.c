/* limits.c - owns which resource limits an attempt gets: knows nothing of starts. */
#include "executors/attempt/limits.h"

#include <stdlib.h>
#include <string.h>

void wf_attempt_limits_init(struct wf_attempt_limits *l)
{
	memset(l, 0, sizeof(*l));
	l->count = wf_limits_own(l->own);
	wf_limits_raise();
	(void)wf_limits_own(l->now);
}

void wf_attempt_limits_release(struct wf_attempt_limits *l)
{
	free(l->text);
}

static rlim_t lower(rlim_t a, rlim_t b)
{
	return a < b ? a : b;
}

/* RLIM_INFINITY is the largest number there is. */
static struct rlimit held(const struct rlimit *asked, const struct rlimit *own)
{
	return (struct rlimit){ lower(asked->rlim_cur, own->rlim_max), lower(asked->rlim_max, own->rlim_max) };
}

static struct rlimit choose(const struct wf_limit *own, const struct wf_limit *asked, int n)
{
	for (int i = 0; i < n; i++)
		if (asked[i].resource == own->resource)
			return held(&asked[i].value, &own->value);
	return own->value;
}

int wf_attempt_limits(struct wf_attempt_limits *l, const char *text, struct wf_err *err)
{
	struct wf_limit asked[WF_LIMITS];
	int n;

	if (!text)
		text = "";
	if (l->text && strcmp(l->text, text) == 0)
		return 0;
	n = wf_limits_parse(text, asked, err);
	if (n < 0)
		return -1;
	l->set_count = 0;
	for (size_t i = 0; i < l->count; i++) {
		const struct rlimit *now = &l->now[i].value;
		struct wf_limit set = { l->own[i].resource, choose(&l->own[i], asked, n) };

		if (set.value.rlim_cur != now->rlim_cur || set.value.rlim_max != now->rlim_max)
			l->set[l->set_count++] = set;
	}
	free(l->text);
	l->text = wf_xstrdup(text);
	return 0;
}
