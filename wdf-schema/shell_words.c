/* shell_words.c - owns what words of a command mean: which programs read a script from their arguments or from stdin, and which words only a
 * shell has. Knows nothing of quoting.
 *
 * The list of interpreters errs on the side of caution: what it names wrongly costs only that values with blanks or quotes are refused
 * there; what it does not name is beyond what a reader of commands can know (a script written to a file, a program of the user's own).
 */
#include <string.h>

#include "engine/base/buf.h"
#include "wdf-schema/shell.h"

/* ---- interpreters --------------------------------------------------------------------------------- */

struct wdf_interpreter {
	const char *name;
	const char *letters;   /* options whose argument is a script */
	const char *others;    /* options whose argument is something else; matters with FIRST */
	unsigned flags;
};

enum {
	SUFFIX = 1,        /* the name may go on: python3.11 */
	CLUSTER = 2,       /* "-lc" and "-ce" count as -c */
	ONLY = 4,          /* only as the command itself, not as an argument of another */
	STDIN = 8,         /* without a script of its own it reads one from stdin */
	FIRST = 16,        /* its first argument that is no option is a script */
	ALL = 32,          /* all its arguments are, or are evaluated like arithmetic */
};

static const struct wdf_interpreter interpreters[] = {
	{ "sh", "c", "", CLUSTER | STDIN },
	{ "bash", "c", "", CLUSTER | STDIN },
	{ "dash", "c", "", CLUSTER | STDIN },
	{ "ksh", "c", "", CLUSTER | STDIN | SUFFIX },
	{ "mksh", "c", "", CLUSTER | STDIN },
	{ "zsh", "c", "", CLUSTER | STDIN },
	{ "ash", "c", "", CLUSTER | STDIN },
	{ "csh", "c", "", CLUSTER | STDIN },
	{ "tcsh", "c", "", CLUSTER | STDIN },
	{ "fish", "c", "", CLUSTER | STDIN },
	{ "python", "c", "", CLUSTER | STDIN | SUFFIX },
	{ "pypy", "c", "", CLUSTER | STDIN | SUFFIX },
	{ "perl", "eE", "", CLUSTER | STDIN },
	{ "ruby", "e", "", CLUSTER | STDIN },
	{ "node", "ep", "", STDIN },
	{ "Rscript", "e", "", STDIN },
	{ "R", "e", "", STDIN | ONLY },
	{ "lua", "e", "", STDIN | SUFFIX },
	{ "julia", "eE", "", STDIN },
	{ "octave", "", "", STDIN | ONLY },
	{ "php", "r", "", STDIN },
	{ "su", "c", "", CLUSTER | STDIN | ONLY },
	{ "ssh", "", "", STDIN | ALL },
	{ "sbatch", "", "", STDIN | ONLY },
	{ "flock", "c", "", ONLY },
	{ "script", "c", "", ONLY },
	{ "watch", "", "", ALL | ONLY },
	{ "awk", "e", "vfFi", FIRST | ONLY },
	{ "gawk", "e", "vfFi", FIRST | ONLY },
	{ "mawk", "e", "vfF", FIRST | ONLY },
	{ "sed", "e", "fl", FIRST | ONLY },
	{ "eval", "", "", ALL },
	{ "let", "", "", ALL | ONLY },
	{ "declare", "", "", ALL | ONLY },
	{ "typeset", "", "", ALL | ONLY },
	{ "unset", "", "", ALL | ONLY },
	{ "read", "", "", ALL | ONLY },
	{ "mapfile", "", "", ALL | ONLY },
	{ "readarray", "", "", ALL | ONLY },
	{ "trap", "", "", FIRST | ONLY },
	{ "printf", "v", "", ONLY },
	{ "test", "v", "", ONLY },
	{ "[", "v", "", ONLY },
};

static const struct wdf_interpreter *interpreter_of(const char *word, size_t n, int is_command)
{
	const char *slash = memrchr(word, '/', n);

	if (slash) {
		n -= (size_t)(slash + 1 - word);
		word = slash + 1;
	}
	for (size_t i = 0; i < WF_COUNT(interpreters); i++) {
		const struct wdf_interpreter *p = &interpreters[i];
		size_t len = strlen(p->name);

		if (n < len || memcmp(word, p->name, len) != 0 || ((p->flags & ONLY) && !is_command))
			continue;
		if (n == len)
			return p;
		if (p->flags & SUFFIX) {
			size_t k = len;

			while (k < n && ((word[k] >= '0' && word[k] <= '9') || word[k] == '.' || word[k] == '-'))
				k++;
			if (k == n)
				return p;
		}
	}
	return NULL;
}

/* Does "-lc" hold one of the letters that take a script? */
static int takes_script(const struct wdf_interpreter *p, const char *word, size_t n)
{
	if (n < 2 || word[0] != '-' || word[1] == '-')
		return 0;
	if (!(p->flags & CLUSTER))
		return strchr(p->letters, word[1]) != NULL;
	for (size_t i = 1; i < n && ((word[i] | 0x20) >= 'a' && (word[i] | 0x20) <= 'z'); i++)
		if (strchr(p->letters, word[i]))
			return 1;
	return 0;
}

int wdf_simple_in_script(const struct wdf_simple *s, const char *word, size_t n)
{
	const struct wdf_interpreter *p = s->interpreter;

	if (s->brackets || s->script_next)
		return 1;
	if (!p)
		return 0;
	if ((p->flags & ALL) || takes_script(p, word, n))
		return 1;
	return (p->flags & FIRST) && !s->script_seen && !s->skip_next && !(n && word[0] == '-');
}

void wdf_simple_word(struct wdf_simple *s, const char *word, size_t n)
{
	const struct wdf_interpreter *p = s->interpreter, *found;

	if (s->script_next) {
		s->script_next = 0;
		s->script_seen = 1;
		return;
	}
	if (p && takes_script(p, word, n)) {
		s->script_next = 1;
		return;
	}
	if (s->skip_next) {
		s->skip_next = 0;
		return;
	}
	if (p && n == 2 && word[0] == '-' && strchr(p->others, word[1])) {
		s->skip_next = 1;
		return;
	}
	if (p && (p->flags & FIRST) && !(n && word[0] == '-'))
		s->script_seen = 1;
	found = interpreter_of(word, n, !s->named);
	if (found && !(p && (p->flags & ALL))) {
		s->interpreter = found;
		s->script_seen = 0;
	}
	s->named = 1;
}

int wdf_simple_reads_script(const struct wdf_simple *s)
{
	return s->interpreter && (s->interpreter->flags & STDIN) && !s->script_seen;
}

/* ---- is a shell needed? -------------------------------------------------------------------------------- */

/* Words that no program has: executed directly they could only fail. */
static const char *const shell_words[] = {
	"!", ".", ":", "{", "alias", "bg", "break", "builtin", "case", "cd", "command", "continue", "declare", "dirs",
	"disown", "eval", "exec", "exit", "export", "fc", "fg", "for", "function", "getopts", "hash", "if",
	"jobs", "let", "local", "logout", "mapfile", "module", "popd", "pushd", "read", "readarray", "readonly",
	"return", "select", "set", "shift", "shopt", "source", "spack", "suspend", "time", "times", "trap", "type",
	"typeset", "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
};

static int starts_with_assignment(const uint16_t *c, size_t n)
{
	size_t i = 0;

	while (i < n && c[i] < 128 &&
	       (((c[i] | 0x20) >= 'a' && (c[i] | 0x20) <= 'z') || c[i] == '_' ||
		(i > 0 && c[i] >= '0' && c[i] <= '9')))
		i++;
	return i > 0 && i < n && (c[i] == '=' || (c[i] == '+' && i + 1 < n && c[i + 1] == '='));
}

static int starts_with_shell_word(const uint16_t *c, size_t n)
{
	char word[16];
	size_t len = 0;

	while (len < n && len < sizeof(word) - 1 && c[len] != ' ' && c[len] != '\t') {
		if (c[len] >= 128)
			return 0;
		word[len] = (char)c[len];
		len++;
	}
	word[len] = '\0';
	for (size_t i = 0; i < WF_COUNT(shell_words); i++)
		if (strcmp(word, shell_words[i]) == 0)
			return 1;
	return 0;
}

int wdf_shell_needed(const uint16_t *c, size_t n)
{
	uint16_t quote = 0;

	if (starts_with_assignment(c, n) || starts_with_shell_word(c, n))
		return 1;
	for (size_t i = 0; i < n; i++) {
		if (c[i] == '\n' || ((c[i] == '$' || c[i] == '`') && quote != '\''))
			return 1;
		if (quote) {
			if (c[i] == quote)
				quote = 0;
			else if (c[i] == '\\' && quote == '"' && i + 1 < n && c[i + 1] != '$' && c[i + 1] != '`' &&
				 c[i + 1] != '\n')
				i++;
		} else if (c[i] == '\'' || c[i] == '"') {
			quote = c[i];
		} else if (c[i] == '\\') {
			if (i + 1 < n && c[i + 1] != '$' && c[i + 1] != '`' && c[i + 1] != '\n')
				i++;
		} else if (c[i] < 128 && strchr("|&;<>()*?[~#", (char)c[i])) {
			return 1;
		}
	}
	return 0;
}
