/* tap.c - owns the count of checks and how a failure reads. */
#include "tests/tap/tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run, failed;

static int __attribute__((format(printf, 4, 0))) report(int cond, const char *file, int line, const char *fmt, va_list ap)
{
	printf("%sok %d - ", cond ? "" : "not ", ++run);
	vprintf(fmt, ap);
	putchar('\n');
	if (!cond) {
		failed++;
		printf("#   at %s:%d\n", file, line);
	}
	fflush(stdout);
	return cond;
}

int tap_ok(int cond, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(cond, file, line, fmt, ap);
	va_end(ap);
	return cond;
}

int tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(got == want, file, line, fmt, ap);
	va_end(ap);
	if (got != want)
		printf("#   got %lld, want %lld\n", (long long)got, (long long)want);
	return got == want;
}

int tap_is_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
{
	int same = got && want ? strcmp(got, want) == 0 : got == want;
	va_list ap;

	va_start(ap, fmt);
	report(same, file, line, fmt, ap);
	va_end(ap);
	if (!same)
		printf("#   got  '%s'\n#   want '%s'\n", got ? got : "(null)", want ? want : "(null)");
	return same;
}

int tap_has_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
{
	int has = got && strstr(got, want);
	va_list ap;

	va_start(ap, fmt);
	report(has, file, line, fmt, ap);
	va_end(ap);
	if (!has)
		printf("#   got     '%s'\n#   without '%s'\n", got ? got : "(null)", want);
	return has;
}

void diag(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void bail(const char *fmt, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

int done_testing(void)
{
	printf("1..%d\n", run);
	return failed || !run;
}
