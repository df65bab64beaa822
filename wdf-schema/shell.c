/* shell.c - owns the shell's quoting: where in a script a placeholder stands. Knows nothing of values and of templates.
 *
 * Values reach a shell command through the environment and never as text, so a mistake here could at worst split a value into words.
 * Four places are different, because what is expanded there is read again as syntax; in them only harmless text is put:
 *   - single quotes, where nothing is expanded;
 *   - arithmetic, subscripts, ${ } and [[ ]]: bash evaluates the *value* of what stands there, a[$(id)] included;
 *   - the script given to another interpreter (sh -c, python -c, eval, ssh host, a here-document for bash ...);
 *   - a here-document with a quoted end mark.
 * Inside backticks quoting is nested by backslashes; placeholders are refused there, $( ) does the same.
 *
 * One frame per nesting. A command frame tracks the words of its current simple command as far as needed to know the command's
 * name, options that take scripts, and `case`, whose patterns end in an unpaired parenthesis.
 */
#include "wdf-schema/shell.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"

/* ---- frames --------------------------------------------------------------------------------------- */

enum frame_kind { COMMAND, DOUBLE, BRACE, ARITHMETIC, HERE };

enum { DEEPEST = 100, LONGEST_WORD = 256, MOST_HERE = 16, LONGEST_END = 128 };

struct frame {
	enum frame_kind kind;
	uint8_t text_only;     /* everything in it is read again as syntax */
	uint8_t quoted;        /* BRACE: inside double quotes, where ' is a character */
	uint8_t opened;        /* COMMAND: by a parenthesis, which will close it */
	uint8_t bracket;       /* ARITHMETIC: $[ ] */
	int level;             /* ARITHMETIC: open parentheses; COMMAND: open `case` */
	/* COMMAND only */
	struct wdf_simple simple;
	uint8_t start;         /* the next word names a command */
	uint8_t in_word;
	uint8_t odd;           /* the word holds more than plain characters */
	uint8_t target;        /* the next word belongs to a redirection */
	uint8_t here_string;   /* ... of <<< */
	int subscript;         /* open [ in the word */
	size_t len;
	char word[LONGEST_WORD];
};

struct here {
	char end[LONGEST_END];
	size_t len;
	uint8_t quoted, tabs, text_only;
	uint8_t settled;       /* its command has ended */
};

struct scan {
	const uint16_t *c;
	size_t n, at;
	uint8_t *quotes;
	size_t place;          /* number of the next placeholder */
	size_t *which;
	struct frame *frames;
	size_t depth, cap;
	struct here here[MOST_HERE];
	size_t here_count;
	enum wdf_shell_fault fault;
};

static struct frame *top(struct scan *s)
{
	return &s->frames[s->depth - 1];
}

static void stop(struct scan *s, enum wdf_shell_fault fault)
{
	if (s->fault == WDF_SHELL_OK) {
		s->fault = fault;
		*s->which = s->place;
	}
}

static uint16_t peek(const struct scan *s, size_t ahead)
{
	return s->at + ahead < s->n ? s->c[s->at + ahead] : 0;
}

static int is_text_only(const struct frame *f)
{
	if (f->text_only || f->kind == BRACE || f->kind == ARITHMETIC)
		return 1;
	return f->kind == COMMAND &&
	       (f->subscript > 0 || (!f->target && wdf_simple_in_script(&f->simple, f->word, f->len)) ||
		(f->here_string && wdf_simple_reads_script(&f->simple)));
}

static struct frame *push(struct scan *s, enum frame_kind kind)
{
	int text_only = 0, quoted = 0;
	struct frame *f;

	if (s->depth) {
		f = top(s);
		text_only = is_text_only(f);
		quoted = f->kind == DOUBLE || f->kind == HERE || (f->kind == BRACE && f->quoted);
	}

	if (s->depth == DEEPEST) {
		stop(s, WDF_SHELL_DEEP);
		return top(s);
	}
	s->frames = wf_grow(s->frames, &s->cap, s->depth + 1, sizeof(*s->frames));
	f = &s->frames[s->depth++];
	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->text_only = (uint8_t)text_only;
	f->quoted = (uint8_t)quoted;
	f->start = 1;
	return f;
}

static void set_place(struct scan *s, enum wdf_quote q)
{
	s->quotes[s->place++] = (uint8_t)q;
}

/* ---- words of a simple command ----------------------------------------------------------------------- */

static void add_char(struct frame *f, uint16_t c)
{
	if (f->kind != COMMAND)
		return;
	f->in_word = 1;
	if (c >= WDF_SLOT) {
		f->odd = 1;
		return;
	}
	if (f->len == LONGEST_WORD) { /* the tail says enough: the last part of a path */
		memmove(f->word, f->word + LONGEST_WORD / 2, LONGEST_WORD / 2);
		f->len = LONGEST_WORD / 2;
		f->odd = 1;
	}
	f->word[f->len++] = (char)c;
}

static int word_is(const struct frame *f, const char *word)
{
	return !f->odd && strlen(word) == f->len && memcmp(f->word, word, f->len) == 0;
}

static int is_assignment(const struct frame *f)
{
	size_t i = 0;

	while (i < f->len && ((f->word[i] | 0x20) >= 'a' && (f->word[i] | 0x20) <= 'z'))
		i++;
	while (i < f->len && i > 0 &&
	       (((f->word[i] | 0x20) >= 'a' && (f->word[i] | 0x20) <= 'z') || f->word[i] == '_' ||
		(f->word[i] >= '0' && f->word[i] <= '9')))
		i++;
	if (f->len && f->word[0] == '_')
		for (i = 1; i < f->len && f->word[i] != '=';)
			i++;
	return i > 0 && i < f->len && (f->word[i] == '=' || f->word[i] == '+' || f->word[i] == '[');
}

static void end_word(struct frame *f)
{
	static const char *const openers[] = { "then", "do", "else", "elif", "if", "while", "until", "!",
					       "{", "}", "time", "fi", "done" };

	if (f->kind != COMMAND || !f->in_word)
		return;
	if (f->target) {
		f->target = 0;
		f->here_string = 0;
	} else if (f->start) {
		int opens = 0;

		for (size_t i = 0; i < WF_COUNT(openers); i++)
			opens |= word_is(f, openers[i]);
		if (word_is(f, "case"))
			f->level++;
		else if (word_is(f, "esac") && f->level)
			f->level--;
		if (word_is(f, "[["))
			f->simple.brackets = 1;
		if (!opens && !is_assignment(f)) {
			f->start = 0;
			wdf_simple_word(&f->simple, f->word, f->len);
		}
	} else if (word_is(f, "]]")) {
		f->simple.brackets = 0;
	} else {
		wdf_simple_word(&f->simple, f->word, f->len);
	}
	f->in_word = 0;
	f->odd = 0;
	f->subscript = 0;
	f->len = 0;
}

static void end_command(struct scan *s, struct frame *f)
{
	end_word(f);
	for (size_t i = 0; i < s->here_count; i++)
		if (!s->here[i].settled) {
			s->here[i].settled = 1;
			s->here[i].text_only = f->text_only || wdf_simple_reads_script(&f->simple);
		}
	if (!f->simple.brackets)
		memset(&f->simple, 0, sizeof(f->simple));
	f->start = !f->simple.brackets;
	f->target = 0;
	f->here_string = 0;
}

/* ---- quotes ------------------------------------------------------------------------------------------ */

/* From behind the opening quote to behind the closing one. */
static void skip_single(struct scan *s, struct frame *f, int ansi)
{
	for (; s->at < s->n; s->at++) {
		uint16_t c = s->c[s->at];

		if (c == '\'') {
			s->at++;
			return;
		}
		if (c == WDF_SLOT)
			set_place(s, WDF_Q_TEXT);
		add_char(f, c);
		if (ansi && c == '\\' && s->at + 1 < s->n && s->c[s->at + 1] != WDF_SLOT)
			s->at++;
	}
	stop(s, WDF_SHELL_QUOTE);
}

static void skip_backticks(struct scan *s)
{
	for (; s->at < s->n; s->at++) {
		uint16_t c = s->c[s->at];

		if (c == '`') {
			s->at++;
			return;
		}
		if (c == WDF_SLOT) {
			stop(s, WDF_SHELL_BACKTICK);
			return;
		}
		if (c == '\\')
			s->at++;
	}
}

/* At a dollar sign, outside single quotes. */
static void on_dollar(struct scan *s)
{
	struct frame *f = top(s);
	uint16_t c = peek(s, 1);

	if (f->kind == COMMAND) {
		f->in_word = 1;
		f->odd = 1;
	}
	s->at++;
	if (c == '(' && peek(s, 1) == '(') {
		s->at += 2;
		push(s, ARITHMETIC)->level = 2;
	} else if (c == '(') {
		s->at++;
		push(s, COMMAND)->opened = 1;
	} else if (c == '{') {
		s->at++;
		push(s, BRACE);
	} else if (c == '[') {
		s->at++;
		push(s, ARITHMETIC)->bracket = 1;
	} else if (c == '\'' && (f->kind == COMMAND || (f->kind == BRACE && !f->quoted))) {
		s->at++;
		skip_single(s, f, 1);
	} else if (c == WDF_SLOT) {
		stop(s, WDF_SHELL_DOLLAR);
	}
}

/* What means the same in every frame outside single quotes; 0 when c is not of these. */
static int on_common(struct scan *s, uint16_t c)
{
	switch (c) {
	case '\\':
		if (peek(s, 1) == WDF_SLOT) {
			stop(s, WDF_SHELL_ESCAPED);
			return 1;
		}
		if (top(s)->kind == COMMAND && peek(s, 1) != '\n')
			add_char(top(s), peek(s, 1));
		s->at += 2;
		return 1;
	case '$':
		on_dollar(s);
		return 1;
	case '`':
		if (top(s)->kind == COMMAND) {
			top(s)->in_word = 1;
			top(s)->odd = 1;
		}
		s->at++;
		skip_backticks(s);
		return 1;
	case WDF_SLOT:
		set_place(s, is_text_only(top(s)) ? WDF_Q_TEXT :
			     top(s)->kind == COMMAND ? WDF_Q_BARE : WDF_Q_DOUBLE);
		add_char(top(s), c);
		s->at++;
		return 1;
	default:
		return 0;
	}
}

/* ---- here-documents ---------------------------------------------------------------------------------- */

/* Behind "<<" or "<<-": the end mark. */
static void read_here(struct scan *s, int tabs)
{
	struct here *h = s->here_count < MOST_HERE ? &s->here[s->here_count] : NULL;
	uint16_t quote = 0;

	if (!h) {
		stop(s, WDF_SHELL_DEEP);
		return;
	}
	memset(h, 0, sizeof(*h));
	h->tabs = (uint8_t)tabs;
	while (peek(s, 0) == ' ' || peek(s, 0) == '\t')
		s->at++;
	for (; s->at < s->n; s->at++) {
		uint16_t c = s->c[s->at];

		if (c == WDF_SLOT) {
			stop(s, WDF_SHELL_DELIMITER);
			return;
		}
		if (quote ? c == quote : c == '\'' || c == '"') {
			quote = quote ? 0 : c;
			h->quoted = 1;
			continue;
		}
		if (!quote && c == '\\') {
			h->quoted = 1;
			if (peek(s, 1) == WDF_SLOT || s->at + 1 >= s->n) {
				stop(s, WDF_SHELL_DELIMITER);
				return;
			}
			c = s->c[++s->at];
		} else if (!quote && c < 128 && strchr(" \t\n;&|<>()", (char)c)) {
			break;
		}
		if (h->len == LONGEST_END) {
			stop(s, WDF_SHELL_DEEP);
			return;
		}
		h->end[h->len++] = (char)c;
	}
	if (quote)
		stop(s, WDF_SHELL_QUOTE);
	s->here_count++;
}

/* Could literal text before the first and after the last placeholder of a line be the ends of the end mark? */
static int could_end(const struct scan *s, size_t from, size_t to, const struct here *h)
{
	size_t before = 0, after = 0;

	while (from + before < to && s->c[from + before] != WDF_SLOT)
		before++;
	if (from + before == to)
		return 0;
	while (to - after > from && s->c[to - after - 1] != WDF_SLOT)
		after++;
	if (before + after > h->len)
		return 0;
	for (size_t i = 0; i < before; i++)
		if (s->c[from + i] != (unsigned char)h->end[i])
			return 0;
	for (size_t i = 0; i < after; i++)
		if (s->c[to - 1 - i] != (unsigned char)h->end[h->len - 1 - i])
			return 0;
	return 1;
}

static int is_end(const struct scan *s, size_t from, size_t to, const struct here *h)
{
	if (to - from != h->len)
		return 0;
	for (size_t i = 0; i < h->len; i++)
		if (s->c[from + i] != (unsigned char)h->end[i])
			return 0;
	return 1;
}

static void run(struct scan *s, size_t floor);

/* The lines of a here-document, from s->at to behind its end mark. */
static void read_body(struct scan *s, const struct here *h)
{
	size_t body = s->at, end = s->n, behind = s->n, all = s->n;

	for (size_t line = body; line < s->n;) {
		size_t from = line, to = line;

		while (to < s->n && s->c[to] != '\n')
			to++;
		while (h->tabs && from < to && s->c[from] == '\t')
			from++;
		if (is_end(s, from, to, h)) {
			end = line;
			behind = to < s->n ? to + 1 : to;
			break;
		}
		if (h->quoted && could_end(s, from, to, h)) {
			stop(s, WDF_SHELL_LINE);
			return;
		}
		line = to < s->n ? to + 1 : to;
	}
	if (h->quoted) {
		for (; s->at < end; s->at++)
			if (s->c[s->at] == WDF_SLOT)
				set_place(s, WDF_Q_TEXT);
	} else {
		size_t floor = s->depth;
		struct frame *f = push(s, HERE);

		f->text_only = h->text_only;
		s->n = end;
		run(s, floor);
		if (s->depth > floor)
			s->depth = floor;
		s->n = all;
	}
	if (s->fault == WDF_SHELL_OK)
		s->at = behind;
}

static void on_newline(struct scan *s)
{
	struct here waiting[MOST_HERE];
	size_t count;

	end_command(s, top(s));
	s->at++;
	count = s->here_count;
	memcpy(waiting, s->here, count * sizeof(*waiting));
	for (size_t i = 0; i < count && s->fault == WDF_SHELL_OK; i++) {
		s->here_count = 0; /* bodies may hold $( ) with here-documents of their own */
		read_body(s, &waiting[i]);
	}
	s->here_count = 0;
}

/* ---- frames, one character at a time ------------------------------------------------------------------ */

static void on_redirection(struct scan *s, struct frame *f, uint16_t c)
{
	end_word(f);
	if (peek(s, 1) == '(') { /* <( ) and >( ) */
		f->in_word = 1;
		f->odd = 1;
		s->at += 2;
		push(s, COMMAND)->opened = 1;
		return;
	}
	f->target = 1;
	if (c == '<' && peek(s, 1) == '<' && peek(s, 2) == '<') {
		f->here_string = 1;
		s->at += 3;
		return;
	}
	if (c == '<' && peek(s, 1) == '<') {
		int tabs = peek(s, 2) == '-';

		f->target = 0;
		s->at += (size_t)(2 + tabs);
		read_here(s, tabs);
		return;
	}
	s->at++;
	while (peek(s, 0) == '>' || peek(s, 0) == '&' || peek(s, 0) == '|')
		s->at++;
}

static void on_close(struct scan *s, struct frame *f)
{
	s->at++;
	end_command(s, f); /* before the question: its last word may be `esac` */
	if (f->opened && f->level == 0)
		s->depth--; /* else the end of a `case` pattern, or a mistake for the shell to report */
}

static void in_command(struct scan *s, struct frame *f, uint16_t c)
{
	switch (c) {
	case ' ':
	case '\t':
		end_word(f);
		s->at++;
		break;
	case '\n':
		on_newline(s);
		break;
	case ';':
	case '|':
		end_command(s, f);
		s->at++;
		break;
	case '&':
		if (peek(s, 1) == '>') {
			end_word(f);
			s->at++;
			on_redirection(s, f, '>');
		} else {
			end_command(s, f);
			s->at++;
		}
		break;
	case '<':
	case '>':
		if (f->simple.brackets) { /* comparisons there */
			end_word(f);
			s->at++;
		} else {
			on_redirection(s, f, c);
		}
		break;
	case '(':
		if (!f->in_word && peek(s, 1) == '(') {
			s->at += 2;
			push(s, ARITHMETIC)->level = 2;
		} else {
			s->at++;
			push(s, COMMAND)->opened = 1;
		}
		break;
	case ')':
		on_close(s, f);
		break;
	case '#':
		if (!f->in_word) {
			while (s->at < s->n && s->c[s->at] != '\n')
				if (s->c[s->at++] == WDF_SLOT)
					set_place(s, WDF_Q_BARE);
		} else {
			add_char(f, c);
			s->at++;
		}
		break;
	case '\'':
		f->in_word = 1;
		s->at++;
		skip_single(s, f, 0);
		break;
	case '"':
		f->in_word = 1;
		s->at++;
		push(s, DOUBLE);
		break;
	case '[':
		/* a[...] is a subscript, and so is [...] in a list of an array; [ and [[ followed by a blank are commands. A pattern
		 * such as [a-z] counts as one too, which costs nothing. */
		if (peek(s, 1) != ' ' && peek(s, 1) != '\t' && peek(s, 1) != '[')
			f->subscript++;
		add_char(f, c);
		s->at++;
		break;
	case ']':
		if (f->subscript > 0)
			f->subscript--;
		add_char(f, c);
		s->at++;
		break;
	default:
		add_char(f, c);
		s->at++;
		break;
	}
}

/* A word of the command around may begin in double quotes: "bash" -c ... */
static void feed_word(struct scan *s, uint16_t c)
{
	if (s->depth > 1 && s->frames[s->depth - 2].kind == COMMAND)
		add_char(&s->frames[s->depth - 2], c);
}

static void step(struct scan *s)
{
	struct frame *f = top(s);
	uint16_t c = s->c[s->at];

	if (f->kind == DOUBLE && c != '"')
		feed_word(s, c);
	if (on_common(s, c))
		return;
	switch (f->kind) {
	case COMMAND:
		in_command(s, f, c);
		return;
	case DOUBLE:
		if (c == '"')
			s->depth--;
		break;
	case BRACE:
		if (c == '}')
			s->depth--;
		else if (c == '"')
			push(s, DOUBLE);
		else if (c == '\'' && !f->quoted) {
			s->at++;
			skip_single(s, f, 0);
			return;
		}
		break;
	case ARITHMETIC:
		if (c == '"')
			push(s, DOUBLE);
		else if (c == (f->bracket ? '[' : '('))
			f->level++;
		else if (c == (f->bracket ? ']' : ')') && --f->level <= 0)
			s->depth--;
		break;
	case HERE:
		break;
	}
	s->at++;
}

static void run(struct scan *s, size_t floor)
{
	while (s->at < s->n && s->fault == WDF_SHELL_OK && s->depth > floor)
		step(s);
}

enum wdf_shell_fault wdf_shell_scan(const uint16_t *codes, size_t n, uint8_t *quotes, size_t *which)
{
	struct scan s = { .c = codes, .n = n, .quotes = quotes, .which = which };

	push(&s, COMMAND);
	run(&s, 0);
	for (size_t i = 0; i < s.depth; i++)
		if (s.frames[i].kind == DOUBLE)
			stop(&s, WDF_SHELL_QUOTE);
	free(s.frames);
	return s.fault;
}
