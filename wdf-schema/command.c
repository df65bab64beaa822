/* command.c - owns commands: how a text is split (design.md 9), and how words and scripts get their values. The shell's quoting is
 * shell.c's; which names exist is the scope's.
 *
 * Words are put together once from literal pieces and placeholders, so a value never meets a splitter: it is part of one word, whatever
 * it holds. In a script every placeholder is a reference to an environment variable, in the quoting it stands in (`quote`, one enum wdf_quote
 * per part); only where nothing is expanded, or where what is expanded is read again, the value itself is put, if it is harmless.
 */
#include "wdf-schema/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/diag.h"
#include "wdf-schema/shell.h"
#include "wdf-schema/value.h"

/* A command line longer than this fails in execve on every Linux; say so before. */
enum { LONGEST_WORD = 128 * 1024 - 1, LONGEST_LINE = 1536 * 1024 };

/* ---- codes: the template as shell.c reads it ---------------------------------------------------------- */

struct codes {
	uint16_t *c;
	size_t n;
};

static struct codes codes_of(const struct wdf_tmpl *t)
{
	struct codes k = { NULL, 0 };
	size_t n = 0;

	for (uint32_t i = 0; i < t->count; i++)
		n += t->parts[i].is_name ? 1 : t->parts[i].len;
	k.c = wf_xmalloc((n + 1) * sizeof(*k.c));
	for (uint32_t i = 0; i < t->count; i++) {
		const struct wdf_part *p = &t->parts[i];

		if (p->is_name)
			k.c[k.n++] = WDF_SLOT;
		else
			for (uint32_t j = 0; j < p->len; j++)
				k.c[k.n++] = (unsigned char)p->text[j];
	}
	return k;
}

static int is_blank(uint16_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Blanks and newlines around a command mean nothing: a block scalar ends in one. */
static struct wdf_tmpl trim(struct wf_arena *a, const struct wdf_tmpl *t)
{
	struct wdf_part *parts = wf_arena_alloc(a, t->count * sizeof(*parts));
	struct wdf_tmpl out = *t;
	uint32_t first = 0, count = t->count;

	memcpy(parts, t->parts, count * sizeof(*parts));
	while (first < count && !parts[first].is_name) {
		struct wdf_part *p = &parts[first];

		while (p->len && is_blank((unsigned char)*p->text)) {
			p->text++;
			p->len--;
		}
		if (p->len)
			break;
		first++;
	}
	while (count > first && !parts[count - 1].is_name) {
		struct wdf_part *p = &parts[count - 1];
		size_t escaped = 0;

		while (p->len && is_blank((unsigned char)p->text[p->len - 1])) {
			for (escaped = 0; escaped + 1 < p->len && p->text[p->len - 2 - escaped] == '\\';)
				escaped++;
			if (escaped % 2)
				break; /* "\ " at the end is a character of the last word */
			p->len--;
		}
		if (p->len)
			break;
		count--;
	}
	out.parts = parts + first;
	out.count = count - first;
	return out;
}

/* ---- splitting ------------------------------------------------------------------------------------------ */

struct splitter {
	struct wf_arena *a;
	const struct wdf_tmpl *t;
	struct wdf_word *words;
	size_t count, cap;
	struct wdf_part *parts;      /* of the word being made */
	size_t part_count, part_cap;
	struct wf_buf literal;
	struct wf_buf plain;         /* the word without its placeholders, for what it means */
	struct wdf_simple simple;
	int in_word, quoted, script;
};

static void end_literal(struct splitter *s)
{
	if (!s->literal.len)
		return;
	s->parts = wf_grow(s->parts, &s->part_cap, s->part_count + 1, sizeof(*s->parts));
	s->parts[s->part_count++] =
		(struct wdf_part){ .text = wf_arena_strndup(s->a, s->literal.data, s->literal.len),
				   .len = (uint32_t)s->literal.len,
				   .pos = s->t->pos };
	wf_buf_clear(&s->literal);
}

static void add_place(struct splitter *s, const struct wdf_part *p)
{
	end_literal(s);
	s->parts = wf_grow(s->parts, &s->part_cap, s->part_count + 1, sizeof(*s->parts));
	s->parts[s->part_count++] = *p;
	s->in_word = 1;
	if (wdf_simple_in_script(&s->simple, wf_buf_cstr(&s->plain), s->plain.len))
		s->script = 1;
}

static void add_char(struct splitter *s, char c)
{
	wf_buf_char(&s->literal, c);
	wf_buf_char(&s->plain, c);
	s->in_word = 1;
}

static void end_word(struct splitter *s)
{
	struct wdf_word *w;

	if (!s->in_word)
		return;
	s->words = wf_grow(s->words, &s->cap, s->count + 1, sizeof(*s->words));
	w = &s->words[s->count++];
	memset(w, 0, sizeof(*w));
	end_literal(s);
	if (!s->part_count) { /* '' is a word too */
		s->parts = wf_grow(s->parts, &s->part_cap, 1, sizeof(*s->parts));
		s->parts[s->part_count++] = (struct wdf_part){ .text = "", .pos = s->t->pos };
	}
	w->tmpl.parts = wf_arena_alloc(s->a, s->part_count * sizeof(*s->parts));
	memcpy((void *)w->tmpl.parts, s->parts, s->part_count * sizeof(*s->parts));
	w->tmpl.count = (uint32_t)s->part_count;
	w->tmpl.pos = s->t->pos;
	w->tmpl.raw = wf_arena_strdup(s->a, wf_buf_cstr(&s->plain));
	w->spread = s->part_count == 1 && s->parts[0].is_name && !s->quoted && !s->parts[0].join &&
		    !s->parts[0].width;
	w->script = (uint8_t)s->script;
	wdf_simple_word(&s->simple, wf_buf_cstr(&s->plain), s->plain.len);
	s->part_count = 0;
	wf_buf_clear(&s->plain);
	s->in_word = s->quoted = s->script = 0;
}

/* -1 when a quote is not closed. A backslash keeps only what bash lets it keep inside double quotes. */
static int split(struct splitter *s, const struct codes *k)
{
	uint16_t quote = 0;
	uint32_t part = 0;

	for (size_t i = 0; i < k->n; i++) {
		uint16_t c = k->c[i];

		if (c == WDF_SLOT) {
			while (!s->t->parts[part].is_name)
				part++;
			add_place(s, &s->t->parts[part++]);
		} else if (quote == '\'') {
			if (c == '\'')
				quote = 0;
			else
				add_char(s, (char)c);
		} else if (c == '\\') {
			uint16_t follows = i + 1 < k->n ? k->c[i + 1] : 0;

			if (quote && follows != '"' && follows != '\\' && follows != '$' && follows != '`') {
				add_char(s, '\\');
			} else if (follows == WDF_SLOT || !follows) {
				add_char(s, '\\');
			} else {
				if (follows != '\n')
					add_char(s, (char)follows);
				i++;
			}
		} else if (quote) {
			if (c == quote)
				quote = 0;
			else
				add_char(s, (char)c);
		} else if (c == '\'' || c == '"') {
			quote = c;
			s->in_word = 1;
			s->quoted = 1;
		} else if (is_blank(c)) {
			end_word(s);
		} else {
			add_char(s, (char)c);
		}
	}
	end_word(s);
	return quote ? -1 : 0;
}

static int split_words(struct wf_arena *a, const struct wdf_tmpl *t, const struct codes *k,
		       struct wdf_word **words, uint32_t *count)
{
	struct splitter s = { .a = a, .t = t };
	int rc = split(&s, k);

	*words = wf_arena_alloc(a, s.count * sizeof(**words));
	if (s.count)
		memcpy(*words, s.words, s.count * sizeof(**words));
	*count = (uint32_t)s.count;
	free(s.words);
	free(s.parts);
	wf_buf_release(&s.literal);
	wf_buf_release(&s.plain);
	return rc;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

/* "bash -eo pipefail" as words. */
static const char **split_shell(struct wf_arena *a, const struct wdf_command_source *from, struct wdf_diags *d)
{
	const char *text = from->shell ? from->shell : "bash -eo pipefail", **words;
	struct wdf_part part = { .text = text, .len = (uint32_t)strlen(text), .pos = from->shell_pos };
	struct wdf_tmpl t = { .parts = &part, .count = 1, .pos = from->shell_pos };
	struct codes k = codes_of(&t);
	struct wdf_word *w = NULL;
	uint32_t n = 0;
	int rc = split_words(a, &t, &k, &w, &n);

	if (rc == 0 && wdf_shell_needed(k.c, k.n))
		rc = -1;
	free(k.c);
	if (rc < 0 || n == 0) {
		char shown[WDF_SHOWN];

		wdf_hint(wdf_find(d, WDF_SHELL, from->shell_pos, 1,
				  "'shell' must be a program and its options, found '%s'",
				  wdf_shown(text, strlen(text), shown)),
			 "write it like 'bash -eo pipefail'");
		return NULL;
	}
	words = wf_arena_alloc(a, (n + 1) * sizeof(*words));
	for (uint32_t i = 0; i < n; i++)
		words[i] = w[i].tmpl.raw;
	return words;
}

/* In a shell of another family a reference would be read otherwise: there only harmless text is put. */
static int is_posix_shell(const char **shell)
{
	static const char *const known[] = { "bash", "sh", "dash", "ksh", "ksh93", "mksh", "zsh", "ash" };

	for (; *shell; shell++) {
		const char *slash = strrchr(*shell, '/'), *name = slash ? slash + 1 : *shell;

		for (size_t i = 0; i < WF_COUNT(known); i++)
			if (strcmp(name, known[i]) == 0)
				return 1;
	}
	return 0;
}

static const struct wdf_part *nth_place(const struct wdf_tmpl *t, size_t n)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->parts[i].is_name && n-- == 0)
			return &t->parts[i];
	return NULL;
}

static void report_fault(struct wdf_diags *d, const struct wdf_tmpl *t, enum wdf_shell_fault fault, size_t which)
{
	static const struct {
		const char *text, *cure;
	} faults[] = {
		[WDF_SHELL_BACKTICK] = { "stands inside backticks", "use $( ) in place of the backticks" },
		[WDF_SHELL_ESCAPED] = { "follows a backslash", "remove the backslash" },
		[WDF_SHELL_DOLLAR] = { "follows a dollar sign", "remove the '$'" },
		[WDF_SHELL_DELIMITER] = { "stands in the end mark of a here-document", "use a fixed word" },
		[WDF_SHELL_LINE] = { "can make its line the end mark of the here-document",
				     "put other text on the line, or do not quote the end mark" },
		[WDF_SHELL_DEEP] = { "is nested too deeply to follow", "put the commands into a script" },
	};
	const struct wdf_part *p = nth_place(t, which);
	char shown[WDF_SHOWN];

	if (fault == WDF_SHELL_QUOTE) {
		wdf_hint(wdf_find(d, WDF_SPLIT, t->pos, 1, "quote in the command is not closed"),
			 "add the closing quote");
	} else if (!p) {
		wdf_find(d, WDF_SPLIT, t->pos, 1, "command is nested too deeply");
	} else {
		wdf_hint(wdf_find(d, WDF_IN_COMMAND, p->pos, p->len + 6, "'{{ %s }}' %s",
				  wdf_shown(p->text, p->len, shown), faults[fault].text),
			 "%s", faults[fault].cure);
	}
}

static int read_script(struct wf_arena *a, struct wdf_command *c, const struct codes *k, struct wdf_diags *d)
{
	uint8_t *quotes, *places;
	size_t which = 0, next = 0, count = 0;
	enum wdf_shell_fault fault;
	int posix = is_posix_shell(c->shell);

	for (uint32_t i = 0; i < c->script.count; i++)
		count += c->script.parts[i].is_name;
	quotes = wf_arena_alloc(a, c->script.count);
	places = wf_xcalloc(count + 1, 1);
	fault = posix ? wdf_shell_scan(k->c, k->n, places, &which) : WDF_SHELL_OK;
	if (fault != WDF_SHELL_OK)
		report_fault(d, &c->script, fault, which);
	for (uint32_t i = 0; i < c->script.count; i++)
		if (c->script.parts[i].is_name)
			quotes[i] = posix ? places[next++] : WDF_Q_TEXT;
	c->quote = quotes;
	free(places);
	return fault == WDF_SHELL_OK ? 0 : -1;
}

static int is_sbatch(const struct wdf_command *c)
{
	const char *program = wdf_command_program(c), *slash;

	if (!program)
		return 0;
	slash = strrchr(program, '/');
	return strcmp(slash ? slash + 1 : program, "sbatch") == 0;
}

struct wdf_command *wdf_command_read(struct wf_arena *a, const struct wdf_command_source *from,
				     struct wdf_diags *d)
{
	struct wdf_command *c = wf_arena_alloc(a, sizeof(*c));
	struct wdf_tmpl text = trim(a, &from->text);
	struct codes k = codes_of(&text);
	int shell = from->always_shell || wdf_shell_needed(k.c, k.n), rc = 0;

	if (!text.count) {
		wdf_find(d, WDF_EMPTY_VALUE, from->text.pos, 1, "the command is empty");
		rc = -1;
	}
	if (rc == 0 && split_words(a, &text, &k, &c->words, &c->word_count) < 0 && !shell) {
		report_fault(d, &text, WDF_SHELL_QUOTE, 0);
		rc = -1;
	}
	if (rc == 0 && !(c->shell = split_shell(a, from, d)))
		rc = -1;
	if (rc == 0 && shell) {
		c->script = text;
		rc = read_script(a, c, &k, d);
	}
	free(k.c);
	if (rc < 0)
		return NULL;
	c->kind = is_sbatch(c) && !from->always_shell ? WDF_COMMAND_SBATCH : shell ? WDF_COMMAND_SHELL : WDF_COMMAND_DIRECT;
	if (c->kind == WDF_COMMAND_SHELL) {
		c->words = NULL;
		c->word_count = 0;
	} else {
		c->script = (struct wdf_tmpl){ .pos = text.pos };
		c->shell = NULL;
		c->quote = NULL;
	}
	return c;
}

struct wdf_command *wdf_command_of_argv(struct wf_arena *a, const struct wdf_tmpl *items, uint32_t n)
{
	struct wdf_command *c = wf_arena_alloc(a, sizeof(*c));
	struct wdf_simple simple = { 0 };

	c->words = wf_arena_alloc(a, n * sizeof(*c->words));
	c->word_count = n;
	for (uint32_t i = 0; i < n; i++) {
		struct wdf_word *w = &c->words[i];
		const struct wdf_part *p = items[i].parts;
		struct wf_buf plain = { 0 };

		w->tmpl = items[i];
		w->spread = items[i].count == 1 && p->is_name && !p->join && !p->width;
		for (uint32_t k = 0; k < items[i].count; k++) {
			if (!p[k].is_name)
				wf_buf_add(&plain, p[k].text, p[k].len);
			else if (wdf_simple_in_script(&simple, wf_buf_cstr(&plain), plain.len))
				w->script = 1;
		}
		wdf_simple_word(&simple, wf_buf_cstr(&plain), plain.len);
		wf_buf_release(&plain);
	}
	if (is_sbatch(c))
		c->kind = WDF_COMMAND_SBATCH;
	return c;
}

const char *wdf_command_program(const struct wdf_command *c)
{
	const struct wdf_tmpl *t = c->word_count ? &c->words[0].tmpl : NULL;

	return t && t->count == 1 && !t->parts[0].is_name ? t->raw : NULL;
}

void wdf_command_names(const struct wdf_command *c,
		       void (*fn)(const struct wdf_part *p, int text, void *arg), void *arg)
{
	for (uint32_t i = 0; i < c->word_count; i++)
		for (uint32_t k = 0; k < c->words[i].tmpl.count; k++)
			if (c->words[i].tmpl.parts[k].is_name)
				fn(&c->words[i].tmpl.parts[k], c->words[i].script, arg);
	for (uint32_t k = 0; k < c->script.count; k++)
		if (c->script.parts[k].is_name)
			fn(&c->script.parts[k], c->quote[k] == WDF_Q_TEXT, arg);
}

int wdf_value_is_harmless(const char *text)
{
	for (; *text; text++)
		if (!((*text | 0x20) >= 'a' && (*text | 0x20) <= 'z') && !(*text >= '0' && *text <= '9') &&
		    !strchr("_./:,+@%=-", *text))
			return 0;
	return 1;
}

/* ---- rendering -------------------------------------------------------------------------------------------- */

struct render {
	struct wf_arena *a;
	const struct wdf_scope *scope;
	struct wf_err *err;
	char **argv, **env;
	size_t argc, argv_cap, env_count, env_cap;
	unsigned next;     /* number of the next WF_V */
	size_t bytes;
	const char *prefix; /* of the names of variables of our own */
};

static int add_text(struct render *r, char ***list, size_t *count, size_t *cap, const char *text, size_t n)
{
	r->bytes += n + 1 + sizeof(char *);
	if (n > LONGEST_WORD || r->bytes > LONGEST_LINE)
		return wf_errf(r->err, WF_INVALID,
			       "the command line is longer than the system allows; put the list into a file");
	*list = wf_grow(*list, cap, *count + 2, sizeof(**list));
	(*list)[(*count)++] = wf_arena_strndup(r->a, text, n);
	(*list)[*count] = NULL;
	return 0;
}

static int add_arg(struct render *r, const char *text, size_t n)
{
	return add_text(r, &r->argv, &r->argc, &r->argv_cap, text, n);
}

static int refuse_value(struct render *r, const struct wdf_part *p, const char *value)
{
	char shown[WDF_SHOWN];
	struct wf_buf env = { 0 };
	char name[129];

	snprintf(name, sizeof(name), "%.*s", (int)p->len, p->text);
	wdf_param_env(&env, name);
	wf_errf(r->err, WF_INVALID,
		"value '%s' of '{{ %s }}' could become syntax where it stands (single quotes, or a script for "
		"another interpreter); use $%s there",
		wdf_shown(value, strlen(value), shown), name, wf_buf_cstr(&env));
	wf_buf_release(&env);
	return -1;
}

/* Value as text, only if harmless. */
static int add_harmless(struct render *r, const struct wdf_part *p, struct wf_buf *out)
{
	size_t before = out->len;

	if (wdf_part_render(p, r->scope, out, r->err) < 0)
		return -1;
	return !out->data || wdf_value_is_harmless(out->data + before) ? 0 :
									 refuse_value(r, p, out->data + before);
}

static int render_word(struct render *r, const struct wdf_word *w)
{
	struct wf_arena made = { 0 };
	struct wf_buf b = { 0 };
	struct wdf_value v;
	int rc = 0, done = 0;

	if (w->spread && !w->script) {
		const struct wdf_part *p = w->tmpl.parts;

		rc = wdf_scope_resolve(r->scope, p->text, p->len, &made, &v, r->err);
		done = rc == 0 && v.kind == WDF_LIST;
		for (uint32_t i = 0; rc == 0 && done && i < v.count; i++) {
			wf_buf_clear(&b);
			wdf_value_text(&v.items[i], &b);
			rc = add_arg(r, wf_buf_cstr(&b), b.len);
		}
	}
	wf_buf_clear(&b);
	for (uint32_t i = 0; rc == 0 && !done && i < w->tmpl.count; i++) {
		const struct wdf_part *p = &w->tmpl.parts[i];

		if (!p->is_name)
			wf_buf_add(&b, p->text, p->len);
		else if (w->script)
			rc = add_harmless(r, p, &b);
		else
			rc = wdf_part_render(p, r->scope, &b, r->err);
	}
	if (rc == 0 && !done)
		rc = add_arg(r, wf_buf_cstr(&b), b.len);
	wf_buf_release(&b);
	wf_arena_release(&made);
	return rc;
}

/* The variable `name` with this value: one that is there already, or a new one. -1 when the name has another value. */
static int find_env(const struct render *r, const char *name, const char *value)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < r->env_count; i++)
		if (strncmp(r->env[i], name, n) == 0 && r->env[i][n] == '=')
			return strcmp(r->env[i] + n + 1, value) == 0 ? 1 : -1;
	return 0;
}

/* Write the name of a variable that has the value. A parameter keeps the name that the task has it under anyway; lists, fields and
 * padded numbers get one of their own. */
static int reference(struct render *r, const struct wdf_part *p, int own, const char *value, struct wf_buf *name)
{
	struct wf_buf entry = { 0 };
	int there = -1, rc;

	wf_buf_clear(name);
	if (!own && !p->width && !memchr(p->text, '.', p->len)) {
		char word[129];

		snprintf(word, sizeof(word), "%.*s", (int)p->len, p->text);
		wdf_param_env(name, word);
		there = find_env(r, wf_buf_cstr(name), value);
	}
	if (there < 0) {
		wf_buf_clear(name);
		wf_buf_printf(name, "%s%u", r->prefix, r->next++);
		there = 0;
	}
	if (there)
		return 0;
	wf_buf_printf(&entry, "%s=", wf_buf_cstr(name));
	wf_buf_str(&entry, value);
	rc = add_text(r, &r->env, &r->env_count, &r->env_cap, entry.data, entry.len);
	wf_buf_release(&entry);
	return rc;
}

static int render_reference(struct render *r, const struct wdf_part *p, int bare, struct wf_buf *script)
{
	struct wf_buf text = { 0 }, name = { 0 };
	struct wf_arena made = { 0 };
	struct wdf_value v;
	int rc = wdf_scope_resolve(r->scope, p->text, p->len, &made, &v, r->err);

	if (rc == 0 && bare && v.kind == WDF_LIST && !p->join) {
		for (uint32_t i = 0; rc == 0 && i < v.count; i++) {
			wf_buf_clear(&text);
			wdf_value_text(&v.items[i], &text);
			rc = reference(r, p, 1, wf_buf_cstr(&text), &name);
			wf_buf_printf(script, "%s\"${%s}\"", i ? " " : "", wf_buf_cstr(&name));
		}
	} else if (rc == 0) {
		rc = wdf_part_render(p, r->scope, &text, r->err);
		if (rc == 0)
			rc = reference(r, p, v.kind == WDF_LIST, wf_buf_cstr(&text), &name);
		wf_buf_printf(script, bare ? "\"${%s}\"" : "${%s}", wf_buf_cstr(&name));
	}
	wf_buf_release(&text);
	wf_buf_release(&name);
	wf_arena_release(&made);
	return rc;
}

static int render_script(struct render *r, const struct wdf_command *c)
{
	struct wf_buf script = { 0 };
	int rc = 0;

	for (const char **w = c->shell; *w && rc == 0; w++)
		rc = add_arg(r, *w, strlen(*w));
	if (rc == 0)
		rc = add_arg(r, "-c", 2);
	for (uint32_t i = 0; rc == 0 && i < c->script.count; i++) {
		const struct wdf_part *p = &c->script.parts[i];

		if (!p->is_name)
			wf_buf_add(&script, p->text, p->len);
		else if (c->quote[i] == WDF_Q_TEXT)
			rc = add_harmless(r, p, &script);
		else
			rc = render_reference(r, p, c->quote[i] == WDF_Q_BARE, &script);
	}
	if (rc == 0)
		rc = add_arg(r, wf_buf_cstr(&script), script.len);
	wf_buf_release(&script);
	return rc;
}

static int render(const struct wdf_command *c, const char *prefix, const struct wdf_scope *scope, struct wf_arena *a,
		  struct wdf_argv *out, struct wf_err *err)
{
	struct render r = { .a = a, .scope = scope, .err = err, .prefix = prefix };
	int rc = 0;

	if (c->kind == WDF_COMMAND_SHELL)
		rc = render_script(&r, c);
	for (uint32_t i = 0; rc == 0 && i < c->word_count; i++)
		rc = render_word(&r, &c->words[i]);
	if (rc == 0 && (r.argc == 0 || !r.argv[0][0]))
		rc = wf_errf(err, WF_INVALID, "the command is empty once its values are put in");
	if (rc == 0) {
		memset(out, 0, sizeof(*out));
		out->argc = r.argc;
		out->argv = wf_arena_alloc(a, (r.argc + 1) * sizeof(char *));
		memcpy(out->argv, r.argv, r.argc * sizeof(char *));
		out->env_count = r.env_count;
		out->env = wf_arena_alloc(a, (r.env_count + 1) * sizeof(char *));
		if (r.env_count)
			memcpy(out->env, r.env, r.env_count * sizeof(char *));
	}
	free(r.argv);
	free(r.env);
	return rc;
}

int wdf_command_render(const struct wdf_command *c, const struct wdf_scope *scope, struct wf_arena *a,
		       struct wdf_argv *out, struct wf_err *err)
{
	return render(c, "WF_V", scope, a, out, err);
}

int wdf_setup_render(const struct wdf_step *s, const struct wdf_scope *scope, struct wf_arena *a, const char **script,
		     char ***env, size_t *env_count, struct wf_err *err)
{
	struct wdf_argv v = { 0 };

	if (s->setup_script && render(s->setup_script, "WF_SETUP_V", scope, a, &v, err) < 0)
		return -1;
	*script = v.argc ? v.argv[v.argc - 1] : "";
	*env = v.env ? v.env : wf_arena_alloc(a, sizeof(char *));
	*env_count = v.env_count;
	return 0;
}
