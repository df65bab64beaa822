/* units.c - owns small notations: sizes, times, names, names of parameter types. Knows nothing of files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/wdf.h"

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- sizes: as GNU numfmt's "auto" reads them, an optional B at the end --------------------------- */

static int bad_size(const char *s, struct wf_err *err)
{
	return wf_errf(err, WF_INVALID, "'%.40s' is not a size; write it like 512M, 2GiB or 1.5T", s);
}

int wdf_size_parse(const char *s, uint64_t *bytes, struct wf_err *err)
{
	static const char letters[] = "KMGTPE";
	const char *p = s, *letter;
	uint64_t whole = 0, base = 1000, unit = 1;
	double part = 0, scale = 0.1;

	if (!is_digit(*p))
		return bad_size(s, err);
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(whole, 10u, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
			return wf_errf(err, WF_INVALID, "'%.40s' is larger than any size", s);
	if (*p == '.') {
		if (!is_digit(*++p))
			return bad_size(s, err);
		for (; is_digit(*p); p++, scale /= 10)
			part += (*p - '0') * scale;
	}
	letter = *p ? strchr(letters, *p == 'k' ? 'K' : *p) : NULL;
	if (letter) {
		p++;
		if (*p == 'i') {
			base = 1024;
			p++;
		}
		for (const char *l = letters; l <= letter; l++)
			unit *= base;
	}
	if (*p == 'B')
		p++;
	if (*p || (part > 0 && unit == 1))
		return bad_size(s, err);
	if (__builtin_mul_overflow(whole, unit, &whole) ||
	    __builtin_add_overflow(whole, (uint64_t)(part * (double)unit), &whole) || whole > INT64_MAX)
		return wf_errf(err, WF_INVALID, "'%.40s' is larger than any size", s);
	*bytes = whole;
	return 0;
}

/* ---- times ----------------------------------------------------------------------------------------- */

static const int64_t day_ms = 86400000;
static const int64_t longest_ms = 36500 * (int64_t)86400000; /* a century bounds every sum of ours */

/* Slurm's forms: D-HH, D-HH:MM, D-HH:MM:SS, HH:MM:SS, MM:SS. */
static int clock_time(const char *s, int64_t *ms)
{
	int64_t n[4] = { 0 }, total = 0;
	int count = 0, days = 0;

	for (;;) {
		int64_t v = 0;
		int len = 0;

		for (; is_digit(*s) && len < 9; s++, len++)
			v = v * 10 + (*s - '0');
		if (len == 0 || count == 4)
			return -1;
		n[count++] = v;
		if (*s == '-' && count == 1)
			days = 1;
		else if (*s != ':')
			break;
		s++;
	}
	if (*s || (count == 1 && !days) || (!days && count == 4))
		return -1;
	if (days) {
		total = n[0] * day_ms + n[1] * 3600000 + n[2] * 60000 + n[3] * 1000;
		if (count < 2 || n[1] > 23 || n[2] > 59 || n[3] > 59)
			return -1;
	} else if (count == 3) {
		total = n[0] * 3600000 + n[1] * 60000 + n[2] * 1000;
		if (n[1] > 59 || n[2] > 59)
			return -1;
	} else {
		total = n[0] * 60000 + n[1] * 1000;
		if (n[1] > 59)
			return -1;
	}
	*ms = total;
	return 0;
}

/* 1h30m, 90s, 0.5s: units from large to small, each at most once; a fraction only in the last. */
static int unit_time(const char *s, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };
	int64_t total = 0;
	size_t next = 0;

	if (!*s)
		return -1;
	while (*s) {
		double part = 0, scale = 0.1;
		int64_t v = 0;
		size_t len = 0, u;

		for (; is_digit(*s) && len < 13; s++, len++)
			v = v * 10 + (*s - '0');
		if (len == 0)
			return -1;
		if (*s == '.') {
			if (!is_digit(*++s))
				return -1;
			for (; is_digit(*s); s++, scale /= 10)
				part += (*s - '0') * scale;
		}
		for (u = next; u < WF_COUNT(units); u++) {
			size_t n = strlen(units[u].name);

			if (strncmp(s, units[u].name, n) == 0 && !is_letter(s[n])) {
				s += n;
				break;
			}
		}
		if (u == WF_COUNT(units) || (part > 0 && (*s || units[u].ms == 1)) ||
		    v > longest_ms / units[u].ms)
			return -1;
		total += v * units[u].ms + (int64_t)(part * (double)units[u].ms + 0.5);
		next = u + 1;
	}
	*ms = total;
	return 0;
}

int wdf_time_parse(const char *s, int64_t *ms, struct wf_err *err)
{
	int64_t v;

	if (strcmp(s, "0") == 0) {
		*ms = 0;
		return 0;
	}
	if (*s && s[strspn(s, "0123456789")] == '\0')
		return wf_errf(err, WF_INVALID, "'%.40s' is a time without a unit; write %.12ss or %.12sm", s, s,
			       s);
	if (unit_time(s, &v) < 0 && clock_time(s, &v) < 0)
		return wf_errf(err, WF_INVALID,
			       "'%.40s' is not a time; write it like 90s, 10m, 2h or 1-12:00:00", s);
	if (v > longest_ms)
		return wf_errf(err, WF_INVALID, "'%.40s' is longer than a century", s);
	*ms = v;
	return 0;
}

/* ---- names ----------------------------------------------------------------------------------------- */

int wdf_name_ok(const char *s)
{
	size_t n = 0;

	if (!is_letter(*s) && !is_digit(*s))
		return 0;
	for (; s[n]; n++)
		if (n == 128 || (!is_letter(s[n]) && !is_digit(s[n]) && !strchr("._-", s[n])))
			return 0;
	return 1;
}

int wdf_param_name_ok(const char *s)
{
	size_t n = 0;

	if (!is_letter(*s))
		return 0;
	for (; s[n]; n++)
		if (n == 128 || (!is_letter(s[n]) && !is_digit(s[n]) && s[n] != '_'))
			return 0;
	return 1;
}

int wdf_param_reserved(const char *name)
{
	return strcmp(name, "SESSION") == 0 || strcmp(name, "STEP") == 0;
}

void wdf_param_env(struct wf_buf *out, const char *name)
{
	wf_buf_str(out, "WF_PARAM_");
	for (; *name; name++)
		wf_buf_char(out, *name >= 'a' && *name <= 'z'		? (char)(*name - 32) :
				 is_letter(*name) || is_digit(*name) ? *name :
								       '_');
}

static const char *const types[] = {
	[WDF_T_STRING] = "string", [WDF_T_INT] = "int",   [WDF_T_FLOAT] = "float", [WDF_T_BOOL] = "bool",
	[WDF_T_LIST] = "list",	   [WDF_T_SIZE] = "size", [WDF_T_TIME] = "time",   [WDF_T_PATH] = "path",
};

const char *wdf_type_name(enum wdf_type_of t)
{
	return (size_t)t < WF_COUNT(types) ? types[t] : "unknown";
}

int wdf_type_named(const char *name)
{
	for (size_t i = 0; i < WF_COUNT(types); i++)
		if (strcmp(types[i], name) == 0)
			return (int)i;
	return -1;
}
