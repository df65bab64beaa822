/* command.c - owns what a command is: how a text is split (design.md 9), and in which quoting each of its placeholders stands. The shell's
 * grammar is shell.c's, values are command_render.c's.
 *
 * Words are put together once from literal pieces and placeholders, so a value never meets a splitter. In a script every part has a
 * `quote`, one enum wdf_quote.
 */
#include "wdf-schema/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/diag.h"
#include "wdf-schema/shell.h"
#include "wdf-schema/value.h"

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
