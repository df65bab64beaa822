/* node.c - owns questions about nodes of a YAML tree, and what plain scalars mean. Knows no key of the language. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "wdf-schema/diag.h"
#include "wdf-schema/yaml.h"

const struct wdf_node *wdf_node_get(const struct wdf_node *map, const char *key)
{
	if (!map || map->kind != WDF_NODE_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->count; i++)
		if (strcmp(map->entries[i].key, key) == 0)
			return &map->entries[i].value;
	return NULL;
}

int wdf_node_is_null(const struct wdf_node *n)
{
	return n->kind == WDF_NODE_SCALAR && n->plain && wdf_plain_of(n->text) == WDF_PLAIN_NULL;
}

const char *wdf_node_shown(const struct wdf_node *n, char *to)
{
	char text[WDF_SHOWN];

	if (n->kind == WDF_NODE_LIST)
		return strcpy(to, "a list");
	if (n->kind == WDF_NODE_MAP)
		return strcpy(to, "a mapping");
	if (wdf_node_is_null(n))
		return strcpy(to, "nothing");
	wdf_shown(n->text, n->count, text);
	snprintf(to, WDF_SHOWN, "'%.*s'", WDF_SHOWN - 4, text);
	return to;
}

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* The number forms of YAML 1.2's core schema. */
static int is_int(const char *s)
{
	if (*s == '-' || *s == '+')
		s++;
	else if (strncmp(s, "0x", 2) == 0)
		return s[2] && !s[2 + strspn(s + 2, "0123456789abcdefABCDEF")];
	else if (strncmp(s, "0o", 2) == 0)
		return s[2] && !s[2 + strspn(s + 2, "01234567")];
	return digits(s) > 0 && !s[digits(s)];
}

static int is_float(const char *s)
{
	size_t whole, part = 0;

	if (strcmp(s, ".nan") == 0 || strcmp(s, ".NaN") == 0 || strcmp(s, ".NAN") == 0)
		return 1;
	if (*s == '-' || *s == '+')
		s++;
	if (strcmp(s, ".inf") == 0 || strcmp(s, ".Inf") == 0 || strcmp(s, ".INF") == 0)
		return 1;
	whole = digits(s);
	s += whole;
	if (*s == '.') {
		part = digits(s + 1);
		s += 1 + part;
	}
	if (whole + part == 0)
		return 0;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '-' || *s == '+')
			s++;
		if (!digits(s))
			return 0;
		s += digits(s);
	}
	return !*s;
}

enum wdf_plain wdf_plain_of(const char *s)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const truths[] = { "true", "True", "TRUE", "false", "False", "FALSE" };

	for (size_t i = 0; i < WF_COUNT(nulls); i++)
		if (strcmp(s, nulls[i]) == 0)
			return WDF_PLAIN_NULL;
	for (size_t i = 0; i < WF_COUNT(truths); i++)
		if (strcmp(s, truths[i]) == 0)
			return WDF_PLAIN_BOOL;
	if (is_int(s))
		return WDF_PLAIN_INT;
	return is_float(s) ? WDF_PLAIN_FLOAT : WDF_PLAIN_TEXT;
}

/* 1:30, 190:20:30.15: numbers to the base 60 in YAML 1.1. */
static int is_sexagesimal(const char *s)
{
	size_t groups = 0;

	if (*s == '-' || *s == '+')
		s++;
	if (!digits(s))
		return 0;
	s += digits(s);
	while (*s == ':') {
		size_t n = digits(s + 1);

		if (n < 1 || n > 2 || (n == 2 && s[1] > '5'))
			return 0;
		s += 1 + n;
		groups++;
	}
	if (groups && *s == '.')
		s += 1 + digits(s + 1);
	return groups > 0 && !*s;
}

const char *wdf_plain_surprise(const char *s)
{
	static const char *const words[] = { "yes", "no", "on", "off" };
	size_t n = strlen(s), sign = *s == '-' || *s == '+';

	for (size_t i = 0; i < WF_COUNT(words); i++)
		/* yes, Yes and YES, but not yEs */
		if (strcasecmp(s, words[i]) == 0 &&
		    (strcmp(s + 1, words[i] + 1) == 0 || (s[0] < 'a' && s[1] < 'a' && s[n - 1] < 'a')))
			return "a boolean";
	if (n > sign + 1 && s[sign] == '0' && strspn(s + sign, "0123456789_") == n - sign)
		return "an octal number";
	if (n > sign + 2 && s[sign] == '0' &&
	    ((s[sign + 1] == 'b' && strspn(s + sign + 2, "01_") == n - sign - 2) ||
	     (s[sign + 1] == 'o' && strspn(s + sign + 2, "01234567") == n - sign - 2)))
		return "a number";
	if (is_sexagesimal(s))
		return "a sexagesimal number";
	if (s[sign] >= '0' && s[sign] <= '9' && strchr(s, '_') &&
	    strspn(s + sign, "0123456789_.") == n - sign)
		return "a number";
	return NULL;
}
