/* err.c - owns error texts and the closed list of codes; knows nothing of who prints them. */
#include "engine/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	const char *phrase;
	int http;
	int ex;
} codes[] = {
#define X(sym, nm, ht, e, ph) [sym] = { .name = nm, .phrase = ph, .http = ht, .ex = e },
	WF_CODES(X)
#undef X
};

static void cut_mark(char *text, size_t size)
{
	memcpy(text + size - 4, "...", 4);
}

int wf_errv(struct wf_err *err, enum wf_code code, const char *fmt, va_list ap)
{
	int n;

	if (!err)
		return -1;
	err->code = code;
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	if (n < 0 || (size_t)n >= sizeof(err->text))
		cut_mark(err->text, sizeof(err->text));
	return -1;
}

int wf_errf(struct wf_err *err, enum wf_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	wf_errv(err, code, fmt, ap);
	va_end(ap);
	return -1;
}

static enum wf_code code_of_errno(int e)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
		return WF_NOT_FOUND;
	case ENOSPC:
	case EDQUOT:
		return WF_FULL;
	case EACCES:
	case EPERM:
	case EROFS:
		return WF_DENIED;
	default:
		return WF_IO;
	}
}

int wf_err_sys(struct wf_err *err, const char *fmt, ...)
{
	int saved = errno;
	size_t n;
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		wf_errv(err, code_of_errno(saved), fmt, ap);
		va_end(ap);
		n = strlen(err->text);
		if ((size_t)snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(saved)) >=
		    sizeof(err->text) - n)
			cut_mark(err->text, sizeof(err->text));
	}
	errno = saved;
	return -1;
}

int wf_err_wrap(struct wf_err *err, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	size_t n;
	va_list ap;

	if (!err)
		return -1;
	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	wf_errv(err, err->code, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	if ((size_t)snprintf(err->text + n, sizeof(err->text) - n, ": %s", old) >=
	    sizeof(err->text) - n)
		cut_mark(err->text, sizeof(err->text));
	return -1;
}

const char *wf_code_name(enum wf_code code)
{
	return (unsigned)code < WF_CODE_COUNT ? codes[code].name : "internal";
}

const char *wf_code_phrase(enum wf_code code)
{
	return (unsigned)code < WF_CODE_COUNT ? codes[code].phrase : "unknown error";
}

int wf_code_http(enum wf_code code)
{
	return (unsigned)code < WF_CODE_COUNT ? codes[code].http : 500;
}

int wf_code_exit(enum wf_code code)
{
	return (unsigned)code < WF_CODE_COUNT ? codes[code].ex : 70;
}

enum wf_code wf_code_of(const char *name)
{
	for (int i = 0; i < WF_CODE_COUNT; i++)
		if (strcmp(codes[i].name, name) == 0)
			return (enum wf_code)i;
	return WF_INTERNAL;
}

void wf_out_of_memory(size_t n)
{
	if (n)
		fprintf(stderr, "%s: out of memory (%zu bytes)\n", program_invocation_short_name, n);
	else
		fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
	_exit(wf_code_exit(WF_INTERNAL));
}

void wf_bug(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "BUG at %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
