/* args.c - owns the parsing of options and operands; knows the table's form, and no command. */
#include "cli/args.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "engine/base/buf.h"
#include "engine/base/hash.h"

enum { OPT_MAX = 32, FIRST = 256 };

/* The options of a command and the common ones it has, as one list. */
static size_t gather(const struct cmd *cmd, const struct opt **list)
{
	size_t n = 0;

	for (const struct opt *o = cmd->options; o && o->name; o++)
		list[n++] = o;
	for (const struct opt *o = common_options; o->name; o++)
		if (cmd_has_common(cmd, o))
			list[n++] = o;
	WF_ASSERT(n < OPT_MAX);
	return n;
}

/* getopt leaves the letter of an unknown short option, and 0 for a long one, which then is `word`. */
static int unknown_option(const struct cmd *cmd, const struct opt **list, size_t n, const char *word,
			  int letter, struct wf_err *err)
{
	const char *names[OPT_MAX], *near;
	char *name;

	if (!letter && strncmp(word, "--token", 7) == 0)
		return wf_errf(err, WF_USAGE,
			       "a token on the command line can be read by everyone on this host, and none is needed: "
			       "wf reaches the engine through its own socket");
	for (size_t i = 0; i < n; i++)
		names[i] = list[i]->name;
	if (letter)
		return wf_errf(err, WF_USAGE, "unknown option '-%c'; see `wf help %s`", letter, cmd->name);
	name = wf_xstrndup(word + 2, strcspn(word + 2, "="));
	near = wf_nearest(name, names, n);
	if (near)
		wf_errf(err, WF_USAGE, "unknown option '--%s'; did you mean '--%s'?", name, near);
	else
		wf_errf(err, WF_USAGE, "unknown option '--%s'; see `wf help %s`", name, cmd->name);
	free(name);
	return -1;
}

/* "a|b|c" is a closed list. */
static int check_choice(const struct opt *o, const char *text, struct wf_err *err)
{
	char *copy, *save = NULL;
	const char *names[16], *near;
	size_t n = 0;
	int rc = 0;

	if (!o->value || !strchr(o->value, '|'))
		return 0;
	copy = wf_xstrdup(o->value);
	for (char *w = strtok_r(copy, "|", &save); w && n < WF_COUNT(names); w = strtok_r(NULL, "|", &save)) {
		if (strcmp(w, text) == 0)
			goto out;
		names[n++] = w;
	}
	near = wf_nearest(text, names, n);
	rc = wf_errf(err, WF_USAGE, "'--%s' must be one of %s, not '%s'%s%s%s", o->name, o->value, text,
		     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
out:
	free(copy);
	return rc;
}

static int add_value(struct args *a, const struct opt *o, const char *text, struct wf_err *err)
{
	if (!o->many && o->value && args_get(a, o->name))
		return wf_errf(err, WF_USAGE, "option '--%s' is given twice", o->name);
	if (check_choice(o, text, err) < 0)
		return -1;
	a->values = wf_grow(a->values, &a->value_cap, a->value_count + 1, sizeof(*a->values));
	a->values[a->value_count++] = (struct arg_value){ .opt = o, .text = text };
	return 0;
}

static void add_operand(struct args *a, const char *text)
{
	a->operands = wf_grow(a->operands, &a->operand_cap, a->operand_count + 1, sizeof(*a->operands));
	a->operands[a->operand_count++] = text;
}

/* How many operands "FILE", "RUN [TASK]", "RUN..." allow. */
static void arity(const char *operands, size_t *min, size_t *max)
{
	char *copy = wf_xstrdup(operands), *save = NULL;

	*min = *max = 0;
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		*min += w[0] != '[';
		*max += 1;
		if (strstr(w, "..."))
			*max = SIZE_MAX / 2;
	}
	free(copy);
}

static int check_operands(const struct args *a, struct wf_err *err)
{
	size_t min, max;

	arity(a->cmd->operands, &min, &max);
	if (a->operand_count < min)
		return wf_errf(err, WF_USAGE, "'wf %s' needs %s; see `wf help %s`", a->cmd->name, a->cmd->operands,
			       a->cmd->name);
	for (size_t i = 0; i < a->operand_count; i++)
		if (!*a->operands[i])
			return wf_errf(err, WF_USAGE, "operand %zu of 'wf %s' is empty; it takes %s", i + 1, a->cmd->name,
				       a->cmd->operands);
	if (a->operand_count > max)
		return wf_errf(err, WF_USAGE, "'wf %s' takes %s: '%s' is one too many", a->cmd->name,
			       max ? a->cmd->operands : "nothing", a->operands[max]);
	return 0;
}

int args_parse(struct args *a, const struct cmd *cmd, int argc, char **argv, struct wf_err *err)
{
	const struct opt *list[OPT_MAX];
	struct option longs[OPT_MAX] = { 0 };
	/* '-' returns operands in order, so that POSIXLY_CORRECT does not change the meaning of a line. */
	char letters[2 * OPT_MAX + 3] = "-:";
	size_t n = gather(cmd, list), k = 2;
	int c;

	memset(a, 0, sizeof(*a));
	a->cmd = cmd;
	for (size_t i = 0; i < n; i++) {
		longs[i] = (struct option){ .name = list[i]->name,
					    .has_arg = list[i]->value ? required_argument : no_argument,
					    .val = FIRST + (int)i };
		if (list[i]->letter) {
			letters[k++] = list[i]->letter;
			if (list[i]->value)
				letters[k++] = ':';
		}
	}
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
		const struct opt *o = NULL;

		if (c == 1) {
			add_operand(a, optarg);
			continue;
		}
		if (c == '?' && optopt >= FIRST) {
			wf_errf(err, WF_USAGE, "option '--%s' takes no value", list[optopt - FIRST]->name);
			goto error;
		}
		if (c == '?') {
			unknown_option(cmd, list, n, word, optopt, err);
			goto error;
		}
		for (size_t i = 0; i < n && !o; i++) {
			int id = c == ':' ? optopt : c;

			if (id == FIRST + (int)i || (list[i]->letter && id == list[i]->letter))
				o = list[i];
		}
		WF_ASSERT(o);
		if (c == ':') {
			wf_errf(err, WF_USAGE, "option '--%s' needs a value: %s", o->name, o->value);
			goto error;
		}
		if (add_value(a, o, optarg ? optarg : "", err) < 0)
			goto error;
	}
	while (optind < argc)
		add_operand(a, argv[optind++]);
	/* Asking for help is never wrong usage. */
	if (args_has(a, "help") || check_operands(a, err) == 0)
		return 0;
error:
	args_release(a);
	return -1;
}

void args_release(struct args *a)
{
	free(a->values);
	free(a->operands);
	memset(a, 0, sizeof(*a));
}

static void known(const struct args *a, const char *name)
{
	const struct opt *list[OPT_MAX];
	size_t n = gather(a->cmd, list);

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i]->name, name) == 0)
			return;
	WF_BUG("'wf %s' has no option '--%s'", a->cmd->name, name);
}

const char *args_nth(const struct args *a, const char *name, size_t i)
{
	known(a, name);
	for (size_t k = 0; k < a->value_count; k++)
		if (strcmp(a->values[k].opt->name, name) == 0 && i-- == 0)
			return a->values[k].text;
	return NULL;
}

const char *args_get(const struct args *a, const char *name)
{
	const char *last = NULL;

	known(a, name);
	for (size_t k = 0; k < a->value_count; k++)
		if (strcmp(a->values[k].opt->name, name) == 0)
			last = a->values[k].text;
	return last;
}

int args_has(const struct args *a, const char *name)
{
	return args_get(a, name) != NULL;
}

const char *args_operand(const struct args *a, size_t i)
{
	return i < a->operand_count ? a->operands[i] : NULL;
}

int args_number(const struct args *a, const char *name, int64_t min, int64_t max, int64_t dflt, int64_t *out,
		struct wf_err *err)
{
	const char *text = args_get(a, name);
	char *end;
	long long v;

	*out = dflt;
	if (!text)
		return 0;
	v = strtoll(text, &end, 10);
	if (!*text || *end || v < min || v > max)
		return wf_errf(err, WF_USAGE, "'--%s' must be a whole number from %lld to %lld, not '%s'", name,
			       (long long)min, (long long)max, text);
	*out = v;
	return 0;
}
