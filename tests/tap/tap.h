/* tap.h - TAP for unit tests: plain functions, no set-up macros
 *
 *     int main(void)
 *     {
 *             ok(1 + 1 == 2, "numbers add");
 *             is_str(name, "wf", "the name of run %d", n);
 *             return done_testing();
 *     }
 * A failed check prints both values and where; the program goes on. done_testing prints the plan and returns
 * the exit code.
 */
#ifndef WF_TESTS_TAP_H
#define WF_TESTS_TAP_H

#include <stdint.h>

int tap_ok(int cond, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
int tap_is_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* got contains want */
int tap_has_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#define ok(cond, ...) tap_ok(!!(cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...) tap_is_int((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) tap_is_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define has_str(got, want, ...) tap_has_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)

void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Give up at once: "Bail out! ..." and exit 1. */
void bail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
int done_testing(void);

#endif
