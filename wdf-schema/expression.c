/* expression.c - owns the language of `when`: its grammar, its truth. Knows nothing of which names exist.
 *
 *     or    = and { "or" and }            value = name | 'text' | "text" | number | true | false | null
 *     and   = not { "and" not }                 | "[" [ value { "," value } ] "]"
 *     not   = "not" not | test
 *     test  = value [ ( == | != | < | <= | > | >= | in | not in ) value ] | "(" or ")"
 *
 * There is no arithmetic and no function. A text that is a number compares with numbers as one (a parameter's value may have
 * travelled as text); other unlike things cannot be compared, because a condition that is false by accident skips work in silence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/diag.h"
#include "wdf-schema/value.h"
#include "wdf-schema/yaml.h"

enum op { OP_OR, OP_AND, OP_NOT, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IN, OP_NOT_IN, OP_NAME,
	  OP_VALUE, OP_LIST };

enum { DEEPEST = 64, MOST_ITEMS = 10000 };

struct wdf_expr {
	enum op op;
	struct wdf_pos pos;
	const char *name;               /* NAME: dotted path; others: as written, for messages */
	struct wdf_value value;         /* VALUE */
	struct wdf_expr *left, *right;  /* LIST: left is the first item, right the next of a list */
};

/* ---- words ------------------------------------------------------------------------------------------ */

enum token { T_END, T_NAME, T_TEXT, T_NUMBER, T_OP, T_BAD };

struct parser {
	struct wf_arena *a;
	struct wdf_diags *d;
	const char *s;                  /* next character */
	struct wdf_pos pos;             /* of the next character */
	enum token kind;
	struct wdf_pos at;              /* of the token */
	const char *word;               /* in the arena; text without quotes */
	uint32_t span;
	int depth;
	int failed;
};

static int is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct wdf_diag *fail(struct parser *p, const char *what)
{
	if (p->failed)
		return NULL;
	p->failed = 1;
	return wdf_find(p->d, WDF_EXPRESSION, p->at, p->span, "%s", what);
}

static void advance(struct parser *p, size_t n)
{
	for (size_t i = 0; i < n; i++, p->s++) {
		if (*p->s == '\n') {
			p->pos.line++;
			p->pos.column = 1;
		} else if (((unsigned char)*p->s & 0xc0) != 0x80) {
			p->pos.column++;
		}
	}
}

static void take(struct parser *p, enum token kind, const char *word, size_t len, size_t consumed)
{
	p->kind = kind;
	p->word = wf_arena_strndup(p->a, word, len);
	p->span = (uint32_t)consumed;
	advance(p, consumed);
}

/* A name may hold '-' (names of steps do) when a letter or digit follows at once: there is no subtraction. */
static size_t name_len(const char *s)
{
	size_t n = 0;

	while (is_alpha(s[n]) || is_digit(s[n]) ||
	       (n && (s[n] == '.' || s[n] == '-') && (is_alpha(s[n + 1]) || is_digit(s[n + 1]))))
		n++;
	return n;
}

static size_t number_len(const char *s)
{
	size_t n = *s == '-' || *s == '+';

	while (is_digit(s[n]) || s[n] == '.' ||
	       (n && (s[n] == 'e' || s[n] == 'E') && (is_digit(s[n + 1]) || s[n + 1] == '-' || s[n + 1] == '+')) ||
	       (n && (s[n] == '-' || s[n] == '+') && (s[n - 1] == 'e' || s[n - 1] == 'E')))
		n++;
	return n;
}

static void next(struct parser *p)
{
	static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", "," };
	size_t n;

	while (*p->s == ' ' || *p->s == '\n' || *p->s == '\t' || *p->s == '\r')
		advance(p, 1);
	p->at = p->pos;
	if (!*p->s) {
		take(p, T_END, "", 0, 0);
		p->span = 1;
		return;
	}
	if (*p->s == '\'' || *p->s == '"') {
		const char *end = strchr(p->s + 1, *p->s);

		if (!end) {
			p->span = 1;
			wdf_hint(fail(p, "text is not closed"), "add the closing quote");
			take(p, T_BAD, "", 0, strlen(p->s));
			return;
		}
		take(p, T_TEXT, p->s + 1, (size_t)(end - p->s - 1), (size_t)(end - p->s + 1));
		return;
	}
	if (is_digit(*p->s) || ((*p->s == '-' || *p->s == '+' || *p->s == '.') && (is_digit(p->s[1]) || p->s[1] == '.'))) {
		n = number_len(p->s);
		/* A step may be called "2nd": what goes on like a name is one. */
		if (is_digit(*p->s) && name_len(p->s) > n) {
			n = name_len(p->s);
			take(p, T_NAME, p->s, n, n);
		} else {
			take(p, T_NUMBER, p->s, n, n);
		}
		return;
	}
	if (is_alpha(*p->s)) {
		n = name_len(p->s);
		take(p, T_NAME, p->s, n, n);
		return;
	}
	for (size_t i = 0; i < WF_COUNT(ops); i++) {
		n = strlen(ops[i]);
		if (strncmp(p->s, ops[i], n) == 0) {
			take(p, T_OP, p->s, n, n);
			return;
		}
	}
	p->span = 1;
	if (strncmp(p->s, "{{", 2) == 0)
		wdf_hint(fail(p, "a placeholder stands in an expression"),
			 "write the name without braces, as in: mode == 'full'");
	else if (*p->s == '=')
		wdf_hint(fail(p, "'=' compares nothing"), "write '=='");
	else if (*p->s == '&' || *p->s == '|' || *p->s == '!')
		wdf_hint(fail(p, "symbols of another language"), "write 'and', 'or', 'not'");
	else
		fail(p, "a character that means nothing in an expression");
	take(p, T_BAD, "", 0, strlen(p->s));
}

static int is_word(const struct parser *p, const char *word)
{
	return p->kind == T_NAME && strcmp(p->word, word) == 0;
}

static int is_op(const struct parser *p, const char *op)
{
	return p->kind == T_OP && strcmp(p->word, op) == 0;
}

/* ---- grammar ------------------------------------------------------------------------------------------ */

static struct wdf_expr *make(struct parser *p, enum op op, struct wdf_pos pos)
{
	struct wdf_expr *e = wf_arena_alloc(p->a, sizeof(*e));

	e->op = op;
	e->pos = pos;
	return e;
}

static struct wdf_expr *parse_or(struct parser *p);
static struct wdf_expr *parse_value(struct parser *p);

static struct wdf_expr *parse_list(struct parser *p)
{
	struct wdf_expr *list = make(p, OP_LIST, p->at), **tail = &list->left;
	int items = 0;

	next(p);
	while (!p->failed && !is_op(p, "]")) {
		struct wdf_expr *link = make(p, OP_LIST, p->at);

		if (++items > MOST_ITEMS)
			fail(p, "too many items in a list");
		link->left = parse_value(p);
		*tail = link;
		tail = &link->right;
		if (is_op(p, ","))
			next(p);
		else if (!is_op(p, "]"))
			fail(p, "expected ',' or ']' in a list");
	}
	next(p);
	return list;
}

static struct wdf_expr *parse_value(struct parser *p)
{
	struct wdf_expr *e = make(p, OP_VALUE, p->at);

	if (p->kind == T_NAME && !is_word(p, "true") && !is_word(p, "false") && !is_word(p, "null")) {
		if (is_word(p, "and") || is_word(p, "or") || is_word(p, "not") || is_word(p, "in"))
			fail(p, "expected a value, found a word of the language");
		e->op = OP_NAME;
		e->name = p->word;
	} else if (p->kind == T_NAME) {
		e->value = wdf_value_of_text(p->a, p->word);
	} else if (p->kind == T_NUMBER) {
		e->value = wdf_value_of_text(p->a, p->word);
		if (e->value.kind != WDF_INT && e->value.kind != WDF_FLOAT)
			fail(p, "not a number");
	} else if (p->kind == T_TEXT) {
		e->value = wdf_value_string(p->a, p->word, strlen(p->word));
	} else if (is_op(p, "[")) {
		if (++p->depth > DEEPEST) {
			fail(p, "nested too deeply");
			return e;
		}
		e = parse_list(p);
		p->depth--;
		return e;
	} else {
		fail(p, p->kind == T_END ? "the expression ends where a value was expected" :
					   "expected a value");
	}
	next(p);
	return e;
}

static int comparison(struct parser *p, enum op *op)
{
	static const struct {
		const char *word;
		enum op op;
	} ops[] = { { "==", OP_EQ }, { "!=", OP_NE }, { "<", OP_LT },
		    { "<=", OP_LE }, { ">", OP_GT },  { ">=", OP_GE } };

	for (size_t i = 0; i < WF_COUNT(ops); i++)
		if (is_op(p, ops[i].word)) {
			*op = ops[i].op;
			next(p);
			return 1;
		}
	if (is_word(p, "in")) {
		*op = OP_IN;
		next(p);
		return 1;
	}
	if (is_word(p, "not")) {
		next(p);
		if (!is_word(p, "in")) {
			fail(p, "expected 'in' after 'not'");
			return 0;
		}
		*op = OP_NOT_IN;
		next(p);
		return 1;
	}
	return 0;
}

static struct wdf_expr *parse_test(struct parser *p)
{
	struct wdf_expr *e, *test;
	struct wdf_pos at = p->at;
	enum op op;

	if (is_op(p, "(")) {
		if (++p->depth > DEEPEST) {
			fail(p, "nested too deeply");
			return make(p, OP_VALUE, at);
		}
		next(p);
		e = parse_or(p);
		if (!is_op(p, ")"))
			fail(p, "expected ')'");
		next(p);
		p->depth--;
		return e;
	}
	e = parse_value(p);
	at = p->at;
	if (p->failed || !comparison(p, &op))
		return e;
	test = make(p, op, at);
	test->left = e;
	test->right = parse_value(p);
	return test;
}

static struct wdf_expr *parse_not(struct parser *p)
{
	struct wdf_expr *e;

	if (!is_word(p, "not"))
		return parse_test(p);
	e = make(p, OP_NOT, p->at);
	next(p);
	if (++p->depth > DEEPEST) {
		fail(p, "nested too deeply");
		return e;
	}
	e->left = parse_not(p);
	p->depth--;
	return e;
}

/* Chains lean to the left in the text and to the right in the tree; evaluation walks them in a loop. */
static struct wdf_expr *parse_chain(struct parser *p, const char *word, enum op op,
				    struct wdf_expr *(*part)(struct parser *))
{
	struct wdf_expr *first = part(p), **tail = &first;

	while (!p->failed && is_word(p, word)) {
		struct wdf_expr *e = make(p, op, p->at);

		next(p);
		e->left = *tail;
		e->right = part(p);
		*tail = e;
		tail = &e->right;
	}
	return first;
}

static struct wdf_expr *parse_and(struct parser *p)
{
	return parse_chain(p, "and", OP_AND, parse_not);
}

static struct wdf_expr *parse_or(struct parser *p)
{
	return parse_chain(p, "or", OP_OR, parse_and);
}

struct wdf_expr *wdf_expr_parse(struct wf_arena *a, const char *text, struct wdf_pos pos, struct wdf_diags *d)
{
	struct parser p = { .a = a, .d = d, .s = text, .pos = pos, .at = pos, .span = 1 };
	struct wdf_expr *e;

	next(&p);
	if (p.kind == T_END) {
		fail(&p, "the expression is empty");
		return NULL;
	}
	e = parse_or(&p);
	if (!p.failed && p.kind != T_END)
		fail(&p, "expected 'and', 'or' or the end");
	return p.failed ? NULL : e;
}

/* ---- names -------------------------------------------------------------------------------------------- */

void wdf_expr_names(const struct wdf_expr *e, void (*fn)(const char *name, struct wdf_pos pos, void *arg),
		    void *arg)
{
	/* Recursion to the left is bounded by the grammar's depth, chains and lists go on to the right. */
	for (; e; e = e->right) {
		if (e->op == OP_NAME)
			fn(e->name, e->pos, arg);
		wdf_expr_names(e->left, fn, arg);
	}
}

/* ---- truth -------------------------------------------------------------------------------------------- */

struct evaluation {
	const struct wdf_scope *scope;
	struct wf_arena made;
	struct wf_err *err;
};

static const char *kind_name(enum wdf_kind k)
{
	static const char *const names[] = { "null", "a truth value", "a number", "a number",
					     "a text", "a list",	"a record" };

	return names[k];
}

static int value_of(struct evaluation *ev, const struct wdf_expr *e, struct wdf_value *v)
{
	struct wdf_value *items;
	uint32_t n = 0;

	if (e->op == OP_VALUE) {
		*v = e->value;
		return 0;
	}
	if (e->op == OP_NAME)
		return wdf_scope_resolve(ev->scope, e->name, strlen(e->name), &ev->made, v, ev->err);
	for (const struct wdf_expr *l = e->left; l; l = l->right)
		n++;
	items = wf_arena_alloc(&ev->made, n * sizeof(*items));
	n = 0;
	for (const struct wdf_expr *l = e->left; l; l = l->right)
		if (value_of(ev, l->left, &items[n++]) < 0)
			return -1;
	*v = (struct wdf_value){ .kind = WDF_LIST, .count = n };
	v->items = items;
	return 0;
}

static int unlike(struct evaluation *ev, const struct wdf_value *a, const struct wdf_value *b)
{
	struct wf_buf x = { 0 }, y = { 0 };

	wdf_value_text(a, &x);
	wdf_value_text(b, &y);
	wf_errf(ev->err, WF_INVALID, "cannot compare %s ('%.60s') with %s ('%.60s')", kind_name(a->kind),
		wf_buf_cstr(&x), kind_name(b->kind), wf_buf_cstr(&y));
	wf_buf_release(&x);
	wf_buf_release(&y);
	return -1;
}

/* Numbers with texts that are numbers; null with anything, which it only equals as null. */
static int equal(struct evaluation *ev, const struct wdf_value *a, const struct wdf_value *b, int *truth)
{
	double x, y;

	if (a->kind == WDF_NULL || b->kind == WDF_NULL) {
		*truth = a->kind == b->kind;
		return 0;
	}
	if (a->kind != b->kind) {
		if (!wdf_value_number(a, &x) || !wdf_value_number(b, &y))
			return unlike(ev, a, b);
		*truth = x == y;
		return 0;
	}
	*truth = wdf_value_equal(a, b);
	return 0;
}

static int order(struct evaluation *ev, const struct wdf_value *a, const struct wdf_value *b, int *cmp)
{
	double x, y;

	if (a->kind == WDF_STRING && b->kind == WDF_STRING) {
		*cmp = strcmp(a->text, b->text);
		return 0;
	}
	if (a->kind == WDF_INT && b->kind == WDF_INT) {
		*cmp = (a->integer > b->integer) - (a->integer < b->integer);
		return 0;
	}
	if (!wdf_value_number(a, &x) || !wdf_value_number(b, &y))
		return unlike(ev, a, b);
	*cmp = (x > y) - (x < y);
	return 0;
}

/* An item unlike the value is not equal to it: lists may be mixed. */
static int contains(struct evaluation *ev, const struct wdf_value *item, const struct wdf_value *list,
		    int *truth)
{
	if (list->kind != WDF_LIST)
		return wf_errf(ev->err, WF_INVALID, "'in' needs a list, found %s", kind_name(list->kind));
	*truth = 0;
	for (uint32_t i = 0; i < list->count && !*truth; i++) {
		double x, y;

		*truth = list->items[i].kind == item->kind ?
				 wdf_value_equal(item, &list->items[i]) :
				 wdf_value_number(item, &x) && wdf_value_number(&list->items[i], &y) && x == y;
	}
	return 0;
}

static int truth_of(struct evaluation *ev, const struct wdf_expr *e, int *truth);

static int test(struct evaluation *ev, const struct wdf_expr *e, int *truth)
{
	struct wdf_value a, b;
	int cmp = 0, rc;

	if (value_of(ev, e->left, &a) < 0 || value_of(ev, e->right, &b) < 0)
		return -1;
	switch (e->op) {
	case OP_EQ:
	case OP_NE:
		rc = equal(ev, &a, &b, truth);
		if (rc == 0 && e->op == OP_NE)
			*truth = !*truth;
		return rc;
	case OP_IN:
	case OP_NOT_IN:
		rc = contains(ev, &a, &b, truth);
		if (rc == 0 && e->op == OP_NOT_IN)
			*truth = !*truth;
		return rc;
	default:
		rc = order(ev, &a, &b, &cmp);
		*truth = e->op == OP_LT ? cmp < 0 : e->op == OP_LE ? cmp <= 0 : e->op == OP_GT ? cmp > 0 : cmp >= 0;
		return rc;
	}
}

static int truth_of(struct evaluation *ev, const struct wdf_expr *e, int *truth)
{
	struct wdf_value v;

	switch (e->op) {
	case OP_AND:
	case OP_OR: {
		enum op op = e->op;

		for (;;) {
			const struct wdf_expr *part = e->op == op ? e->left : e;

			if (truth_of(ev, part, truth) < 0)
				return -1;
			if (*truth == (op == OP_OR) || e->op != op)
				return 0;
			e = e->right;
		}
	}
	case OP_NOT:
		if (truth_of(ev, e->left, truth) < 0)
			return -1;
		*truth = !*truth;
		return 0;
	case OP_NAME:
	case OP_VALUE:
	case OP_LIST:
		if (value_of(ev, e, &v) < 0)
			return -1;
		if (v.kind == WDF_STRING && (strcmp(v.text, "true") == 0 || strcmp(v.text, "false") == 0)) {
			*truth = v.text[0] == 't';
			return 0;
		}
		if (v.kind != WDF_BOOL)
			return wf_errf(ev->err, WF_INVALID, "'%s' is %s, not true or false; compare it with ==",
				       e->name ? e->name : "value", kind_name(v.kind));
		*truth = v.truth;
		return 0;
	default:
		return test(ev, e, truth);
	}
}

int wdf_expr_eval(const struct wdf_expr *e, const struct wdf_scope *scope, int *truth, struct wf_err *err)
{
	struct evaluation ev = { .scope = scope, .err = err };
	int t = 0, rc = truth_of(&ev, e, &t);

	wf_arena_release(&ev.made);
	if (rc == 0)
		*truth = t;
	return rc;
}
