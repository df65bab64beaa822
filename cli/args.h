/* args.h - the words after a command, checked against its row of the table
 *
 *     struct args a;
 *     if (args_parse(&a, cmd, argc, argv, &err) < 0) ...        argv[0] is skipped
 *     args_get(&a, "name"), args_has(&a, "wait"), args_operand(&a, 0)
 *     args_release(&a);
 *
 * Strings are argv's own. Asking for an option that is not in the table is a BUG.
 */
#ifndef WF_CLI_ARGS_H
#define WF_CLI_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

struct cmd;
struct opt;

struct arg_value {
	const struct opt *opt;
	const char *text;               /* "" for a flag */
};

struct args {
	const struct cmd *cmd;
	struct arg_value *values;
	size_t value_count, value_cap;
	const char **operands;
	size_t operand_count, operand_cap;
};

/* WF_USAGE with the nearest option or value. */
int args_parse(struct args *a, const struct cmd *cmd, int argc, char **argv, struct wf_err *err);
void args_release(struct args *a);

int args_has(const struct args *a, const char *name);
/* The last value given; NULL when none was. */
const char *args_get(const struct args *a, const char *name);
/* The i-th value given of an option that may be repeated; NULL past the last. */
const char *args_nth(const struct args *a, const char *name, size_t i);
/* The i-th operand; NULL past the last. */
const char *args_operand(const struct args *a, size_t i);

/* A whole number from min to max, or the default when the option was not given. WF_USAGE otherwise. */
int args_number(const struct args *a, const char *name, int64_t min, int64_t max, int64_t dflt, int64_t *out,
		struct wf_err *err);

#endif
