/* yaml.h - text to a tree of nodes with places; used for workflow files and driver files
 *
 *     struct wdf_doc doc = { 0 };
 *     if (wdf_doc_parse(&doc, arena, text, len, &diags) < 0) ...      findings say why; the tree is not there
 *     ... walk doc.root ...
 *
 * The tree lives in the arena and is immutable; an alias shares what its anchor holds. It knows lists, mappings and scalars; what a
 * plain scalar means (12, true) is asked by the readers. "{{ name }}" survives in scalars as written, quoted or not.
 *
 * Refused here: what is not UTF-8 or holds characters that hide, no document or two, duplicate keys, keys that are no plain text,
 * tags, merge keys, and whatever passes the limits of wdf.h. Parsing stops at the first error of syntax; duplicate keys and
 * the like are all found.
 */
#ifndef WF_WDF_YAML_H
#define WF_WDF_YAML_H

#include "wdf-schema/wdf.h"

enum wdf_node_kind { WDF_NODE_SCALAR, WDF_NODE_LIST, WDF_NODE_MAP };

struct wdf_entry;

struct wdf_node {
	uint8_t kind;
	uint8_t plain;           /* scalar: not quoted, not a block: its text may mean a number or a truth value */
	uint8_t masked;          /* scalar: holds at least one "{{ }}" */
	uint8_t height;          /* of the tree below, 0 for a scalar */
	uint32_t count;          /* items, entries, or bytes of text */
	struct wdf_pos pos;
	uint32_t span;           /* characters on its first line */
	uint32_t total;          /* nodes of the tree below, itself included; of a scalar: index of its first mask */
	union {
		const char *text;               /* NUL-terminated, never NULL, no NUL inside */
		const struct wdf_node *items;
		const struct wdf_entry *entries;
	};
};

struct wdf_entry {
	const char *key;
	struct wdf_pos pos;
	uint32_t span;
	struct wdf_node value;
};

struct wdf_doc {
	const struct wdf_limits *limits; /* set before parsing; NULL: those of wdf.h */
	struct wf_arena *arena;
	struct wdf_node root;
	const struct wdf_pos *masks; /* place of each "{{", in the order of the text */
	uint32_t mask_count;
};

int wdf_doc_parse(struct wdf_doc *doc, struct wf_arena *a, const char *text, size_t n, struct wdf_diags *d);

/* Value of a key in a mapping, or NULL. */
const struct wdf_node *wdf_node_get(const struct wdf_node *map, const char *key);
/* "a list", "a mapping", "nothing", "the number 12", "'text'", for messages; written into `to` (WDF_SHOWN bytes). */
const char *wdf_node_shown(const struct wdf_node *n, char *to);
/* True for the plain scalars that mean nothing: empty, ~, null. */
int wdf_node_is_null(const struct wdf_node *n);

/* What a plain scalar means to YAML 1.2, and whether 1.1 read it otherwise. */
enum wdf_plain { WDF_PLAIN_TEXT, WDF_PLAIN_NULL, WDF_PLAIN_BOOL, WDF_PLAIN_INT, WDF_PLAIN_FLOAT };
enum wdf_plain wdf_plain_of(const char *text);
/* "a boolean", "an octal number", "a sexagesimal number", "a number", or NULL when both agree. */
const char *wdf_plain_surprise(const char *text);

/* ---- text.c: before YAML ------------------------------------------------------------------------ */

/* Finds what is not UTF-8 and the characters that are refused. -1 when there is any. *skip is the length of a leading
 * BOM. */
int wdf_text_check(const char *text, size_t n, size_t *skip, struct wdf_diags *d);
/* Length of the placeholder-like piece that begins at s ("{{ ... }}" on one line, without quotes or braces inside), or
 * 0. */
size_t wdf_mask_len(const char *s, size_t n);

#endif
