/* log.c - owns the sink and the shape of a line; decides nothing. */
#include "engine/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
	int fd;
	enum wf_log_level level;
	const char *program;
} sink = { .fd = 2, .level = WF_LOG_WARN, .program = "wf" };

void wf_log_to(int fd, enum wf_log_level level, const char *program)
{
	sink.fd = fd;
	sink.level = level;
	sink.program = program;
}

void wf_log(enum wf_log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[2048];
	struct timespec ts;
	struct tm tm;
	size_t n;
	int k;
	va_list ap;

	if (level > sink.level)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n, ".%03ldZ %s[%d] %s: ", ts.tv_nsec / 1000000,
			      sink.program, (int)getpid(), names[level]);
	va_start(ap, fmt);
	k = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (k > 0)
		n += (size_t)k < sizeof(line) - n - 1 ? (size_t)k : sizeof(line) - n - 2;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	/* A log that cannot be written must not stop the work: there is nowhere left to say so. */
	if (write(sink.fd, line, n) < 0)
		return;
}
