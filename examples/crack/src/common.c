/* Owns the program's name. Knows nothing of atoms, files or the engine beyond three variables. */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program_name = "?";

static const char *env_or(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

/*
 * One write() on an O_APPEND descriptor: lines of tasks that start together never mix.
 */
static void note_start(const char *ledger)
{
	char line[512];
	int fd, n;

	n = snprintf(line, sizeof line, "%s %s %s %s\n", env_or("WF_STEP", program_name),
		     env_or("WF_INDEX", "-"), env_or("WF_ATTEMPT", "-"), program_name);
	if (n < 0 || (size_t)n >= sizeof line)
		fail(EX_SOFTWARE, "ledger line too long");
	fd = open(ledger, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, (size_t)n) != n || close(fd) < 0)
		fail(EX_IOERR, "cannot note the start in '%s': %s", ledger, strerror(errno));
}

void begin(const char *program)
{
	const char *ledger = getenv("CRACK_LEDGER");
	const char *slash = strrchr(program, '/');

	program_name = slash ? slash + 1 : program;
	if (ledger && *ledger)
		note_start(ledger);
}

void fail(int code, const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	/* nothing to undo: what is half written has another name than what is whole */
	_exit(code);
}

double parse_number(const char *text, const char *what)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || *end || errno || !isfinite(value))
		fail(EX_DATAERR, "%s is '%s', not a number", what, text);
	return value;
}

long parse_count(const char *text, const char *what)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || *end || errno || value < 0)
		fail(EX_DATAERR, "%s is '%s', not a whole number", what, text);
	return value;
}

void *allocate(size_t count, size_t size)
{
	return reallocate(NULL, count, size);
}

void *reallocate(void *old, size_t count, size_t size)
{
	void *p;

	if (size && count > SIZE_MAX / size)
		fail(EX_DATAERR, "input too large");
	p = realloc(old, count && size ? count * size : 1);
	if (!p)
		fail(EX_OSERR, "out of memory");
	return p;
}

char *text_of(const char *format, ...)
{
	va_list ap;
	char *text;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		fail(EX_OSERR, "out of memory");
	va_end(ap);
	return text;
}
