/* wdf.h - the door of the workflow language: a file's text in, plain structs out
 *
 * Calling sequence:
 *     struct wdf_types *types = wdf_types_load(dirs, n, &err);          service types, from driver files
 *     struct wdf_diags diags = { 0 };
 *     struct wdf *w = wdf_parse(&input, types, &diags);                 NULL when any error was found
 *     wdf_diags_text(&diags, input.text, ...) / wdf_diags_json(&diags)  every finding, at most 20 errors
 *     if (wdf_executable(w, "local", &diags) < 0) ...                   what this version cannot run yet
 *     wdf_free(w); wdf_diags_release(&diags); wdf_types_free(types);
 *
 * Ownership: everything reachable from a struct wdf lives in its arena and dies with wdf_free. Nothing
 * here does I/O but wdf_types_load and wdf_source_read. No globals; any thread, one at a time per object.
 *
 * The language itself is described in docs/wdf.md; what the 1.0-1.6 files of IO-SEA mean, there too.
 */
#ifndef WF_WDF_H
#define WF_WDF_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/class.h"
#include "engine/base/err.h"

/* ---- limits of a file (a site may lower them) -------------------------------------------------- */

#define WDF_MAX_BYTES   (16u << 20)
#define WDF_MAX_DEPTH   64
#define WDF_MAX_NODES   2000000 /* after alias expansion */
#define WDF_MAX_ALIASES 1000
#define WDF_MAX_ERRORS  20

/* Lower limits of a site; a zero is the limit above. */
struct wdf_limits {
	size_t bytes;
	uint32_t depth, nodes, aliases;
};

/* ---- places and findings ------------------------------------------------------------------------ */

struct wdf_pos {
	uint32_t line, column; /* from 1, column in characters; 0 is "no place" */
};

enum wdf_severity { WDF_ERROR, WDF_WARNING };

struct wdf_diag {
	enum wdf_severity severity;
	char code[8];              /* stable: "E0103"; listed in docs/wdf.md and `wf help errors` */
	struct wdf_pos pos;
	uint32_t span;             /* characters the caret underlines, at least 1 */
	char *text;                /* one line: what was found, what was expected */
	char *hint;                /* the cure ("did you mean 'command'?"), or NULL */
	struct wdf_pos related;    /* the other place of a pair (first of two equal keys), or 0 */
	char *related_text;        /* "first defined here", or NULL */
};

struct wdf_diags {
	struct wdf_diag *items;
	size_t count, cap;
	size_t errors;             /* counted beyond WDF_MAX_ERRORS too */
};

void wdf_diags_release(struct wdf_diags *d);
/* "file:line:col: error[E0103]: unknown key 'comand' in step 'sim'; did you mean 'command'?", then the source
 * line and a caret line, for each; colour adds escapes. `text` is the source (may be NULL: no source lines). */
void wdf_diags_text(const struct wdf_diags *d, const char *file, const char *text, size_t n, int colour,
		    struct wf_buf *out);
/* [{severity, code, line, column, span, message, hint, related:{line, column, message}}], a new reference. */
json_t *wdf_diags_json(const struct wdf_diags *d);
/* First error as a wf_err: "file:line:col: text; hint". */
void wdf_diags_err(const struct wdf_diags *d, const char *file, struct wf_err *err);

/* ---- values ------------------------------------------------------------------------------------- */

enum wdf_kind { WDF_NULL, WDF_BOOL, WDF_INT, WDF_FLOAT, WDF_STRING, WDF_LIST, WDF_RECORD };

/* A value of a parameter, a fan-out, a result. Scalars keep the text they were written with: that text is what a
 * placeholder becomes ("0.10" stays "0.10"). Immutable once made. */
struct wdf_value {
	enum wdf_kind kind;
	uint32_t count;                    /* of a list's items or a record's fields */
	const char *text;                  /* scalars: as written (NUL-terminated) */
	union {
		int truth;
		int64_t integer;
		double real;
		const struct wdf_value *items; /* list */
		const struct wdf_field *fields; /* record: csv row, glob entry, JSON object */
	};
};
struct wdf_field {
	const char *name;
	struct wdf_value value;
};

/* Scalar of type inferred from plain text as YAML 1.2 core would: 12, 1.5, true, else string. Text is copied to a. */
struct wdf_value wdf_value_of_text(struct wf_arena *a, const char *text);
struct wdf_value wdf_value_of_json(struct wf_arena *a, json_t *v);
/* A new reference. A number whose text is not the one JSON would give it back with (0.10, 0x10, 007) becomes a string:
 * the text of a value outlives storage, and expressions compare a text that is a number as a number. */
json_t *wdf_value_json(const struct wdf_value *v);
/* Equal in kind and content (1 and 1.0 are equal, 1 and "1" are not). */
int wdf_value_equal(const struct wdf_value *a, const struct wdf_value *b);
const struct wdf_value *wdf_value_field(const struct wdf_value *record, const char *name, size_t n);
/* Append what a placeholder becomes: a scalar's text, a list's items with a blank between, a record's `text` if it has
 * one (a glob entry: its path), else compact JSON. Nothing for null. */
void wdf_value_text(const struct wdf_value *v, struct wf_buf *out);

/* Names in reach of a template or an expression. A dotted path is looked up by its first word, then by its first two
 * and so on (names of steps may hold dots), and what is left of it is followed in the value found: fields of a record;
 * of a text that is a path, `name` is its last part and `stem` that without its last extension. Returns 0 and *out, or
 * -1 when the name is unknown (the caller makes the error). `name` is the first word of a dotted path; fields of
 * records are followed by the language itself. */
struct wdf_scope {
	int (*lookup)(void *self, const char *name, size_t n, struct wdf_value *out);
	void *self;
};

/* ---- templates: "{{ name }}" in scalars ---------------------------------------------------------- */

struct wdf_part {
	const char *text;      /* literal text, or the dotted name of a placeholder */
	uint32_t len;
	uint8_t is_name;
	uint8_t zero;          /* {{ i:04 }} */
	uint8_t width;
	uint8_t join;          /* {{ list | join }}: one word even where a list alone would be several */
	struct wdf_pos pos;
};
struct wdf_tmpl {
	const struct wdf_part *parts;
	uint32_t count;
	struct wdf_pos pos;
	const char *raw;       /* as written, placeholders in place */
};

/* Parse "{{ }}" in text; pieces go to the arena. Errors are findings at pos (+ offset). */
int wdf_tmpl_parse(struct wdf_tmpl *t, struct wf_arena *a, const char *text, struct wdf_pos pos,
		   struct wdf_diags *d);
/* Append the text with every placeholder replaced, once: a value that contains "{{" stays as it is. Lists render as
 * their items with one blank between. */
int wdf_tmpl_render(const struct wdf_tmpl *t, const struct wdf_scope *scope, struct wf_buf *out,
		    struct wf_err *err);
int wdf_tmpl_is_literal(const struct wdf_tmpl *t);

/* ---- commands (design.md 9): split once, rendered per task ---------------------------------------- */

enum wdf_command_kind {
	WDF_COMMAND_DIRECT,    /* executed directly: words */
	WDF_COMMAND_SHELL,     /* has shell syntax: run by `shell` -c script */
	WDF_COMMAND_SBATCH,    /* first word sbatch: the user's own batch script */
};
struct wdf_word {
	struct wdf_tmpl tmpl;
	uint8_t spread;        /* one placeholder and nothing else: a list becomes several words */
	uint8_t script;        /* the script of an inner `sh -c`, `python -c`...: only harmless values are put there */
};
struct wdf_command {
	enum wdf_command_kind kind;
	struct wdf_word *words;        /* DIRECT, SBATCH */
	uint32_t word_count;
	struct wdf_tmpl script;        /* SHELL: text with placeholders; count 0 otherwise */
	const char **shell;            /* SHELL: "bash -eo pipefail" as words, NULL-terminated */
	const uint8_t *quote;          /* SHELL: per part of script, the quoting it stands in (see command.c) */
};
/* Of an SBATCH command: the word that names the script; NULL when it has none (`--wrap`). */
const struct wdf_tmpl *wdf_batch_script(const struct wdf_command *c);
/* What to execute: argv, NULL-terminated, and variables to add to the environment ("NAME=value", a shell command reads
 * placeholder values from them: never syntax). Strings live in the arena. A value refused inside quotes is WF_INVALID
 * naming $WF_PARAM_<NAME>. */
struct wdf_argv {
	char **argv;
	size_t argc;
	char **env;
	size_t env_count;
};
int wdf_command_render(const struct wdf_command *c, const struct wdf_scope *scope, struct wf_arena *a,
		       struct wdf_argv *out, struct wf_err *err);

struct wdf_step;
/* The setup lines of a step for one task: *script is shell text that reads values from the variables of *env
 * ("NAME=value", NULL- terminated, names other than those of wdf_command_render). "" and none when the step has no
 * setup. */
int wdf_setup_render(const struct wdf_step *s, const struct wdf_scope *scope, struct wf_arena *a, const char **script,
		     char ***env, size_t *env_count, struct wf_err *err);

/* ---- expressions: `when` --------------------------------------------------------------------------- */

struct wdf_expr; /* opaque, in the arena */
struct wdf_expr *wdf_expr_parse(struct wf_arena *a, const char *text, struct wdf_pos pos, struct wdf_diags *d);
/* Truth of the expression. An unknown name or a comparison of unlike things is WF_INVALID. */
int wdf_expr_eval(const struct wdf_expr *e, const struct wdf_scope *scope, int *truth, struct wf_err *err);
/* Calls fn with every name used ("mode", "prepare.result.count"). */
void wdf_expr_names(const struct wdf_expr *e, void (*fn)(const char *name, struct wdf_pos pos, void *arg),
		    void *arg);

/* ---- the file ------------------------------------------------------------------------------------- */

enum wdf_type_of { WDF_T_STRING, WDF_T_INT, WDF_T_FLOAT, WDF_T_BOOL, WDF_T_LIST, WDF_T_SIZE, WDF_T_TIME, WDF_T_PATH };

struct wdf_param {
	const char *name;
	enum wdf_type_of type;
	int has_default;               /* else -p must give it */
	struct wdf_value value;        /* the default, or what -p gave */
	const struct wdf_value *choices; /* NULL: any */
	uint32_t choice_count;
	const char *description;
	struct wdf_pos pos;
};

struct wdf_pool {
	const char *name;
	uint32_t limit;
	struct wdf_pos pos;
};

enum wdf_dim_kind { WDF_DIM_LIST, WDF_DIM_RANGE, WDF_DIM_GLOB, WDF_DIM_CSV, WDF_DIM_FROM };
/* One name of a `foreach`. */
struct wdf_dim {
	const char *name;
	enum wdf_dim_kind kind;
	struct wdf_pos pos;
	struct wdf_value list;         /* LIST: items, literal or of a parameter, already resolved */
	int64_t first, last, step;     /* RANGE: inclusive bounds; {range: N} is 0..N-1 step 1 */
	const char *source;            /* GLOB: pattern; CSV: file; FROM: the file or result key; parameters resolved */
	const char *from;              /* FROM: step */
	uint32_t from_step;            /* its index */
};

enum wdf_result { WDF_SUCCESS, WDF_FAILURE, WDF_ANY, WDF_START };
/* One entry of `after`. */
struct wdf_after {
	uint32_t step;                 /* index of the step waited for; UINT32_MAX when `service` is set */
	uint32_t service;              /* of a service's `after`: index of the service waited for; else UINT32_MAX */
	uint8_t each;
	enum wdf_result result;
	const char **by;               /* names; NULL when absent */
	uint32_t by_count;
	struct wdf_pos pos;
};

struct wdf_resources {
	uint32_t nodes, ranks, cpus, gpus;     /* cpus and gpus per rank */
	uint64_t memory;                        /* bytes per node; 0: not said */
	int64_t time_ms;                        /* 0: not said */
	uint64_t storage;
	uint8_t exclusive;
};

struct wdf_retry {
	uint32_t limit;
	int64_t backoff_ms;
	uint32_t classes;              /* bit set of enum wf_class; all bits: every class */
	const int32_t *exits;          /* from "exit:N" */
	uint32_t exit_count;
	double grow_memory, grow_time; /* factor per retry; 1 is none */
	uint64_t max_memory;           /* 0: no bound */
	int64_t max_time_ms;
};

enum wdf_access { WDF_RW, WDF_RO, WDF_WO };
struct wdf_use {
	uint32_t service;
	enum wdf_access access;
	const char **movers;
	uint32_t mover_count;
	struct wdf_pos pos;
};

struct wdf_env {
	const char *name;
	struct wdf_tmpl value;
};

enum wdf_on_unknown { WDF_UNKNOWN_HOLD, WDF_UNKNOWN_FAIL, WDF_UNKNOWN_RERUN };

struct wdf_step {
	const char *name;
	struct wdf_pos pos;
	struct wdf_command *command;           /* NULL for call and move */
	struct wdf_tmpl setup;                 /* lines joined by newline; count 0 when absent. For show: it is a shell's text, so a
						* value in it would become syntax; run what wdf_setup_render makes */
	struct wdf_command *setup_script;      /* NULL when absent */
	struct wdf_tmpl workdir;               /* count 0: the submit directory */
	struct wdf_env *env;
	uint32_t env_count;
	struct wdf_dim *dims;                  /* foreach, in order of writing: the last varies fastest */
	uint32_t dim_count;
	uint8_t zip;
	uint32_t parallel;                     /* 0: no limit */
	uint32_t tolerate;                     /* tasks, or hundredths of a percent when tolerate_percent */
	uint8_t tolerate_percent;
	uint8_t if_empty_run;                  /* 0: skip what follows an empty fan-out; 1: run it */
	struct wdf_after *after;
	uint32_t after_count;
	struct wdf_expr *when;                 /* NULL: always */
	struct wdf_tmpl *inputs, *outputs;
	uint32_t input_count, output_count;
	uint8_t update;
	const char **results;
	uint32_t result_count;
	const int32_t *success_codes;          /* at least one */
	uint32_t success_code_count;
	struct wdf_resources resources;
	uint8_t launch_ranks;
	int64_t timeout_ms;                    /* 0: none of its own; resources.time_ms still ends the attempt */
	struct wdf_retry retry;
	enum wdf_on_unknown on_unknown;
	int32_t priority;
	uint32_t pool;                         /* index, or UINT32_MAX */
	const char *executor;                  /* NULL: by the rules of the contract */
	struct wdf_use *uses;
	uint32_t use_count;
	struct wdf_tmpl stdout_path, stderr_path; /* count 0: the engine's own file */
	uint64_t output_limit;                 /* bytes; default 1 GiB */
	json_t *labels, *slurm, *location, *components, *container, *pack, *call, *move; /* kept; NULL when absent */
	const char *ends_with;
	uint8_t submit_ready;                  /* submit: ready */
};

enum wdf_scope_of { WDF_SCOPE_RUN, WDF_SCOPE_TASK, WDF_SCOPE_STEP, WDF_SCOPE_SESSION, WDF_SCOPE_USER };
enum wdf_start { WDF_START_LAZY, WDF_START_EAGER, WDF_START_MANUAL };
enum wdf_on_failure { WDF_ON_FAILURE_DEFAULT, WDF_ON_FAILURE_RESTART, WDF_ON_FAILURE_HOLD, WDF_ON_FAILURE_FAIL };

struct wdf_service {
	const char *name;
	const char *type;                      /* upper case, as the driver names itself */
	struct wdf_pos pos;
	json_t *attributes;                    /* object; defaults of the driver filled in; placeholders still in strings */
	/* Keys of type COMMAND, raw JSON with placeholders in strings (rendered once, beside the member, by wf-service):
	 * {command, ready, health, stop, provides, setup, env}; absent keys absent. */
	json_t *spec;
	struct wdf_resources resources;        /* all zero when not said: takes no cores */
	uint8_t has_resources;
	enum wdf_scope_of scope;
	enum wdf_start start;
	struct wdf_after *after;
	uint32_t after_count;
	uint32_t target, min;
	enum wdf_on_failure on_failure;
	uint32_t failure_limit;                /* default 3 */
	int64_t failure_backoff_ms;
	const char *placement, *walltime, *executor;
	json_t *datamovers, *slurm, *location;
};

struct wdf {
	struct wf_arena arena;
	const char *name;
	const char *description;
	uint8_t iosea;                         /* a file without `params` and with IO-SEA's form */
	struct wdf_param *params;
	uint32_t param_count;
	struct wdf_pool *pools;
	uint32_t pool_count;
	struct wdf_service *services;
	uint32_t service_count;
	struct wdf_step *steps;
	uint32_t step_count;
	json_t *datasets;
	struct wdf_pos datasets_pos;
	/* IO-SEA form: names used but not given, with the place of their first use. wdf_parse succeeds when input.allow_needed is
	 * set (wf validate) and lists them here; otherwise each is an error naming it and its place. */
	struct wdf_needed {
		const char *name;
		struct wdf_pos pos;
	} *needed;
	uint32_t needed_count;
};

struct wdf_input {
	const char *text;
	size_t len;
	const char *file;                      /* for messages */
	const char *const *names;              /* of -p */
	const char *const *values;
	size_t given;
	const char *session;                   /* the run's name, for {{ SESSION }} where a value is read with the file (IO-SEA's form); or NULL */
	int allow_needed;
	const struct wdf_limits *limits;       /* NULL: those of this file */
};

struct wdf_types; /* service types: name to attribute table (driver.h) */
struct wdf_types *wdf_types_load(const char *const *dirs, size_t n, struct wf_err *err);
void wdf_types_free(struct wdf_types *t);

struct wdf *wdf_parse(const struct wdf_input *in, const struct wdf_types *types, struct wdf_diags *d);
void wdf_free(struct wdf *w);

/* Adds one finding for each thing in the file that this version does not execute (on that executor), each a sentence
 * that says what is missing; -1 when it added any. Blocks of other executors are warnings ("unused"). */
int wdf_executable(const struct wdf *w, const char *executor, const struct wdf_types *types,
		   struct wdf_diags *d);

/* Fan-out sources that lie outside the file (glob, csv), read once by whoever submits. `dir` is the submit directory.
 * The answer is JSON {"glob": {PATTERN: [path...]}, "csv": {FILE: [{column: text}...]}}, sorted, bounded to
 * WDF_MAX_NODES entries; a new reference. */
json_t *wdf_source_read(const struct wdf *w, const char *dir, struct wf_err *err);

/* Sizes "4GiB" "512M" "2G" and times "90s" "10m" "2h" "1-12:00:00" as in the file; -1 and err otherwise. */
int wdf_size_parse(const char *s, uint64_t *bytes, struct wf_err *err);
int wdf_time_parse(const char *s, int64_t *ms, struct wf_err *err);

/* True for a step, service, run or parameter name: [A-Za-z0-9][A-Za-z0-9._-]{0,127}; parameters
 * [A-Za-z][A-Za-z0-9_]*. */
int wdf_name_ok(const char *s);

/* True for the name of a parameter or of a fan-out: [A-Za-z][A-Za-z0-9_]{0,127}. */
int wdf_param_name_ok(const char *s);
/* True for the names that wf gives itself (SESSION, STEP): `-p SESSION=x` is wrong usage. */
int wdf_param_reserved(const char *name);
/* Appends "WF_PARAM_<NAME>" for a parameter or fan-out name: upper case, anything but letters and digits as '_'. */
void wdf_param_env(struct wf_buf *out, const char *name);
/* "string", "int", "float", "bool", "list", "size", "time", "path"; -1 for another name. */
const char *wdf_type_name(enum wdf_type_of t);
const char *wdf_scope_name(enum wdf_scope_of s);
int wdf_type_named(const char *name);

/* The paragraph and the title of a finding's code ("E0201"), NULL for no code; and the codes in order, NULL after the
 * last. */
const char *wdf_code_explain(const char *code);
const char *wdf_code_title(const char *code);
const char *wdf_code_at(size_t i);

#endif
