/* cmd.h - a command is a row of one table; the parser, the help and the completion read nothing else
 *
 * A command lives in cmd_<name>.c and is listed in commands.c. Its `run` returns the exit code. What it prints goes
 * through output.h; what it wants of the engine through client.h.
 *
 * `operands` is both what help prints and what the parser enforces: "FILE", "RUN [TASK]", "RUN...". `value` of an option
 * likewise: NULL makes a flag, "K=V" takes any text, "dot|mermaid|json" is a closed list that the parser checks.
 */
#ifndef WF_CLI_CMD_H
#define WF_CLI_CMD_H

#include <stddef.h>

#include "cli/args.h"
#include "cli/output.h"

struct opt {
	char letter;                    /* 0: none */
	const char *name;               /* NULL ends a list */
	const char *value;
	const char *help;
	int many;                       /* may be given more than once */
};

enum cmd_modes {
	CMD_JSON = 1,                   /* has --json */
	CMD_QUIET = 2,                  /* has -q, --quiet */
	CMD_HIDDEN = 4,                 /* works, but help and completion do not offer it */
};

struct cmd {
	const char *name;               /* "submit", "engine start" */
	const char *operands;           /* "" when it takes none */
	const char *group;              /* its heading in `wf help` */
	const char *summary;            /* its line in `wf help` */
	const char *about;              /* the paragraph of `wf help CMD` */
	const struct opt *options;
	int modes;
	int (*run)(const struct args *args, struct out *out);
};

/* Ends with a row without a name. */
extern const struct cmd commands[];
/* Options that every command has, and those that come with its modes. */
extern const struct opt common_options[];

/* The row for the words argv[0..argc-1] begin with, and how many words its name took; NULL and err (WF_USAGE, with the
 * nearest name) when there is none. */
const struct cmd *cmd_find(int argc, char **argv, int *taken, struct wf_err *err);
/* True when this command takes this one of the common options. */
int cmd_has_common(const struct cmd *cmd, const struct opt *o);

/* ---- help and completion, generated from the table ------------------------------------------------ */

/* Text wrapped at 78 columns; `at` is where its first line begins, `indent` where the others do. Ends the line. */
void usage_wrap(struct wf_buf *b, const char *text, size_t at, size_t indent);
/* "submit FILE [options]", appended. */
void usage_line(const struct cmd *cmd, struct wf_buf *b);
/* Everything `wf help CMD` prints. */
void usage_text(const struct cmd *cmd, struct wf_buf *b);
/* Everything `wf help` prints. */
void usage_overview(struct wf_buf *b);
/* The script that bash sources. */
void complete_bash(struct wf_buf *b);

/* ---- the commands ----------------------------------------------------------------------------------- */

#define CMD(name) int cmd_##name(const struct args *args, struct out *out); \
	extern const struct opt cmd_##name##_options[]
CMD(submit);
CMD(ls);
CMD(status);
CMD(tasks);
CMD(show);
CMD(watch);
CMD(wait);
CMD(logs);
CMD(cancel);
CMD(retry);
CMD(pause);
CMD(resume);
CMD(resolve);
CMD(explain);
CMD(events);
CMD(graph);
CMD(import);
CMD(export);
CMD(plan);
CMD(validate);
CMD(services);
CMD(rm);
CMD(engine_start);
CMD(engine_stop);
CMD(engine_status);
CMD(engine_backup);
CMD(engine_recover);
CMD(config);
CMD(doctor);
CMD(help);
CMD(version);
CMD(completion);
#undef CMD

#endif
