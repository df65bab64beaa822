/* limits.c - owns the resource limits of a process as one line of text: "core=0:unlimited nofile=1024:20000", soft and hard. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/os.h"

/* As in limits.conf(5). */
static const struct {
	const char *name;
	int resource;
} names[] = {
	{ "as", RLIMIT_AS },           { "core", RLIMIT_CORE },         { "cpu", RLIMIT_CPU },       { "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },     { "locks", RLIMIT_LOCKS },       { "memlock", RLIMIT_MEMLOCK }, { "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },       { "nofile", RLIMIT_NOFILE },     { "nproc", RLIMIT_NPROC },   { "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO },   { "rttime", RLIMIT_RTTIME },     { "sigpending", RLIMIT_SIGPENDING }, { "stack", RLIMIT_STACK },
};
_Static_assert(WF_COUNT(names) == WF_LIMITS, "each resource has its name");

static void put_value(struct wf_buf *b, rlim_t v)
{
	if (v == RLIM_INFINITY)
		wf_buf_str(b, "unlimited");
	else
		wf_buf_printf(b, "%llu", (unsigned long long)v);
}

size_t wf_limits_own(struct wf_limit out[WF_LIMITS])
{
	size_t n = 0;

	for (size_t i = 0; i < WF_LIMITS; i++) {
		out[n].resource = names[i].resource;
		n += getrlimit((__rlimit_resource_t)names[i].resource, &out[n].value) == 0;
	}
	return n;
}

void wf_limits_raise(void)
{
	static const int which[] = { RLIMIT_AS, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC };

	for (size_t i = 0; i < WF_COUNT(which); i++) {
		struct rlimit l;

		if (getrlimit((__rlimit_resource_t)which[i], &l) < 0)
			continue;
		l.rlim_cur = l.rlim_max;
		if (setrlimit((__rlimit_resource_t)which[i], &l) < 0)
			wf_log(WF_LOG_WARN, "cannot raise a resource limit: %s", strerror(errno));
	}
}

void wf_limits_text(const struct wf_limit *l, size_t n, struct wf_buf *b)
{
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < WF_LIMITS; i++) {
			if (names[i].resource != l[k].resource)
				continue;
			wf_buf_printf(b, "%s%s=", k ? " " : "", names[i].name);
			put_value(b, l[k].value.rlim_cur);
			wf_buf_char(b, ':');
			put_value(b, l[k].value.rlim_max);
		}
}

static int is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(p, word, n) == 0;
}

static int get_value(const char *p, size_t n, rlim_t *v)
{
	char *end;

	if (is_word(p, n, "unlimited")) {
		*v = RLIM_INFINITY;
		return 0;
	}
	if (!n || *p < '0' || *p > '9')
		return -1;
	errno = 0;
	*v = strtoull(p, &end, 10);
	return errno || end != p + n ? -1 : 0;
}

static int get_limit(const char *p, size_t n, struct wf_limit *l)
{
	const char *is = memchr(p, '=', n), *colon = is ? memchr(is, ':', n - (size_t)(is - p)) : NULL;

	if (!colon || get_value(is + 1, (size_t)(colon - is - 1), &l->value.rlim_cur) < 0 ||
	    get_value(colon + 1, (size_t)(p + n - colon - 1), &l->value.rlim_max) < 0 || l->value.rlim_cur > l->value.rlim_max)
		return -1;
	for (size_t i = 0; i < WF_LIMITS; i++)
		if (is_word(p, (size_t)(is - p), names[i].name)) {
			l->resource = names[i].resource;
			return 0;
		}
	return -1;
}

int wf_limits_parse(const char *text, struct wf_limit out[WF_LIMITS], struct wf_err *err)
{
	int count = 0;

	for (const char *p = text; *p; p += *p == ' ') {
		size_t n = strcspn(p, " ");

		if (count == WF_LIMITS || get_limit(p, n, &out[count]) < 0)
			return wf_errf(err, WF_INVALID, "'%.*s' is no limit; like nofile=1024:unlimited, each resource once",
				       n < 80 ? (int)n : 80, p);
		for (int i = 0; i < count; i++)
			if (out[i].resource == out[count].resource)
				return wf_errf(err, WF_INVALID, "'%.*s' is given twice", n < 80 ? (int)n : 80, p);
		count++;
		p += n;
	}
	return count;
}
