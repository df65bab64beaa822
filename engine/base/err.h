/* err.h - one error type for the whole project
 *
 * A function that can fail takes `struct wf_err *err` as its last argument and returns -1 or NULL.
 * `return wf_errf(err, WF_NOT_FOUND, "no run '%s'", id)` fails in one line. A floor that adds
 * knowledge wraps on the way up: wf_err_wrap(err, "load run '%s'", id) gives "load run 'x': <old text>".
 *
 * `err` may be NULL where the caller only wants to know that it failed. The text is complete and
 * fit to print as it is: lower case, the error first, the subject in single quotes, then the cure,
 * no full stop. It is untouched on success.
 *
 * Codes are few and closed. The X-macro below gives each its name (the `code` of the API), the
 * HTTP status and the exit code of the command line, so that the four can never disagree.
 */
#ifndef WF_BASE_ERR_H
#define WF_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

/*   symbol            name               http exit  phrase */
#define WF_CODES(X)                                                                                \
	X(WF_OK,           "ok",              200,  0, "success")                                   \
	X(WF_RUN_FAILED,   "run_failed",      200,  1, "the run or a task asked for failed")        \
	X(WF_USAGE,        "usage",           400,  2, "wrong usage")                               \
	X(WF_INVALID,      "invalid",         422,  3, "invalid file or value")                     \
	X(WF_BAD_REQUEST,  "bad_request",     400,  3, "malformed request")                         \
	X(WF_TOO_LARGE,    "too_large",       413,  3, "larger than the limit")                     \
	X(WF_MEDIA,        "media_type",      415,  3, "unsupported media type")                    \
	X(WF_DENIED,       "denied",          403,  4, "not permitted")                             \
	X(WF_NOT_FOUND,    "not_found",       404,  5, "not found")                                 \
	X(WF_METHOD,       "method",          405,  2, "method not allowed")                        \
	X(WF_CONFLICT,     "conflict",        409,  6, "conflict, or refused in its state")         \
	X(WF_UNREACHABLE,  "unreachable",     503,  7, "engine unreachable or on another host")     \
	X(WF_STILL,        "still_running",   200,  8, "still running when the wait ended")         \
	X(WF_RUN_CANCELED, "run_canceled",    200,  9, "the run was canceled")                      \
	X(WF_RESOURCE,     "resource",        503, 10, "a site limit or resource is missing")       \
	X(WF_FULL,         "full",            507, 10, "no space left")                             \
	X(WF_IO,           "io",              500, 10, "input/output error")                        \
	X(WF_CORRUPT,      "corrupt",         500, 10, "stored state is damaged")                   \
	X(WF_INTERNAL,     "internal",        500, 70, "internal error")

enum wf_code {
#define X(sym, name, http, ex, phrase) sym,
	WF_CODES(X)
#undef X
	WF_CODE_COUNT
};

struct wf_err {
	enum wf_code code;
	char text[1024];
};

/* Fill err (when not NULL) and return -1. A text that does not fit is cut and ends in "...". */
int wf_errf(struct wf_err *err, enum wf_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int wf_errv(struct wf_err *err, enum wf_code code, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* Same, appending ": <strerror(errno)>"; the code follows errno (ENOENT is WF_NOT_FOUND, ENOSPC
 * and EDQUOT are WF_FULL, EACCES and EPERM are WF_DENIED, anything else WF_IO). errno is preserved. */
int wf_err_sys(struct wf_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put context before an error that is already there; returns -1. */
int wf_err_wrap(struct wf_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *wf_code_name(enum wf_code code);
const char *wf_code_phrase(enum wf_code code);
int wf_code_http(enum wf_code code);
int wf_code_exit(enum wf_code code);
/* Code of a name as the API prints it; WF_INTERNAL for one this build does not know. */
enum wf_code wf_code_of(const char *name);

/* Our own mistake, never the user's: says where, then aborts. */
#define WF_BUG(...) wf_bug(__FILE__, __LINE__, __VA_ARGS__)
void wf_bug(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
/* There is no memory: says so and ends with the exit code of an internal error, at once: nothing is run that could need some. What was
 * acknowledged is on disk, and coming back from there is a path that is tested anyway. `n` bytes were wanted; 0: who knows. */
void wf_out_of_memory(size_t n) __attribute__((noreturn));
#define WF_ASSERT(cond) ((cond) ? (void)0 : WF_BUG("assertion failed: %s", #cond))

#endif
