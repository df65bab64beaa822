/* term.c - owns what a stream can show and how text fits; knows nothing of runs. */
#include "cli/term.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

void term_init(struct term *t, int fd)
{
	const char *no_color = getenv("NO_COLOR"), *name = getenv("TERM");

	memset(t, 0, sizeof(*t));
	t->fd = fd;
	t->tty = isatty(fd);
	t->moves = t->tty && name && *name && strcmp(name, "dumb") != 0;
	t->color = t->moves && !(no_color && *no_color);
	t->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	term_resize(t);
}

void term_resize(struct term *t)
{
	const char *columns = getenv("COLUMNS"), *lines = getenv("LINES");
	struct winsize w;

	t->width = t->tty ? 80 : 0;
	t->height = 24;
	if (columns && atoi(columns) > 0)
		t->width = atoi(columns);
	if (lines && atoi(lines) > 0)
		t->height = atoi(lines);
	if (t->tty && ioctl(t->fd, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row) {
		t->width = w.ws_col;
		t->height = w.ws_row;
	}
	if (t->width && t->width < 20)
		t->width = 20;
	if (t->height < 4)
		t->height = 4;
}

const char *term_on(const struct term *t, enum style s)
{
	static const char *const on[] = {
		[PLAIN] = "",         [BOLD] = "\033[1m",  [DIM] = "\033[2m",  [GOOD] = "\033[32m",
		[BAD] = "\033[31m",   [LIVE] = "\033[36m", [WARN] = "\033[33m",
	};

	return t->color ? on[s] : "";
}

const char *term_off(const struct term *t, enum style s)
{
	return t->color && s != PLAIN ? "\033[0m" : "";
}

void text_visible(struct wf_buf *b, const char *s)
{
	wf_buf_add(b, "", 0);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f)
			wf_buf_printf(b, "\\x%02x", c);
		else if (c == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0)
			wf_buf_printf(b, "\\x%02x", (unsigned char)*++s); /* C1: terminals obey these too */
		else
			wf_buf_char(b, (char)c);
	}
}

static int continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += !continues(*s);
	return n;
}

size_t text_fit(const char *s, size_t columns)
{
	size_t i = 0;

	while (s[i] && columns) {
		i++;
		while (continues(s[i]))
			i++;
		columns--;
	}
	return i;
}

enum { DURATION = 24 };

char *text_duration(int64_t ms, char *to)
{
	long long s = (long long)(ms / 1000);

	if (ms < 0)
		strcpy(to, "-");
	else if (ms < 100)
		snprintf(to, DURATION, "%lldms", (long long)ms);
	else if (ms < 10000)
		snprintf(to, DURATION, "%lld.%llds", s, (long long)(ms % 1000 / 100));
	else if (s < 60)
		snprintf(to, DURATION, "%llds", s);
	else if (s < 3600)
		snprintf(to, DURATION, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(to, DURATION, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(to, DURATION, "%lldd%02lldh", s / 86400, s / 3600 % 24);
	return to;
}

char *text_bytes(uint64_t n, char *to)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)n;
	size_t i = 0;

	while (v >= 1024 && i + 1 < WF_COUNT(unit)) {
		v /= 1024;
		i++;
	}
	snprintf(to, 24, i && v < 10 ? "%.1f %s" : "%.0f %s", v, unit[i]);
	return to;
}

int64_t text_time(const char *s)
{
	struct tm tm = { 0 };
	int ms = 0;
	const char *p;
	time_t t;

	if (!s || !(p = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm)))
		return 0;
	if (*p == '.')
		for (int k = 100, i = 1; i <= 3 && p[i] >= '0' && p[i] <= '9'; i++, k /= 10)
			ms += (p[i] - '0') * k;
	t = timegm(&tm);
	return t < 0 ? 0 : (int64_t)t * 1000 + ms;
}

char *text_clock(int64_t ms, char *to)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	localtime_r(&t, &tm);
	if (!strftime(to, 32, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(to, "-");
	return to;
}
