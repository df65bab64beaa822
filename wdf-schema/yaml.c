/* yaml.c - owns the way from libyaml's events to a tree of nodes: limits, aliases, duplicate keys, what is refused.
 * Knows no key of the language. */
#include "wdf-schema/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "wdf-schema/diag.h"
#include "wdf-schema/yaml_parts.h"

enum { MOST_ALIASED = 64 << 20 /* bytes that aliases may stand for */ };

struct frame {
	uint8_t is_map;
	uint8_t has_key;
	size_t first;           /* of its children on the stack */
	struct wdf_pos pos;
	uint32_t span;
	uint32_t anchor;        /* index, or WF_STRMAP_NONE */
	uint32_t total;
	uint64_t bytes;         /* of the text below */
	uint8_t height;
	struct wdf_entry key;   /* the key that waits for its value */
};

struct anchor {
	struct wdf_node node;
	uint64_t bytes;
	int open; /* its end was not seen yet */
};

struct reader {
	struct wdf_doc *doc;
	struct wdf_diags *diags;
	const char *text;
	size_t len;
	struct wdf_masks masks;
	struct frame frames[WDF_MAX_DEPTH];
	size_t depth;
	struct wdf_node *items;
	size_t item_count, item_cap;
	struct wdf_entry *entries;
	size_t entry_count, entry_cap;
	struct anchor *anchors;
	size_t anchor_count, anchor_cap;
	struct wf_strmap anchor_names;
	struct wdf_limits limits;
	uint32_t nodes, aliases;
	uint64_t alias_bytes;
	int documents;
	int bad; /* an error that leaves the tree whole */
};

static uint32_t span_of(yaml_mark_t from, yaml_mark_t to)
{
	return from.line == to.line && to.column > from.column ? (uint32_t)(to.column - from.column) : 1;
}

/* ---- building the tree --------------------------------------------------------------------------- */

/* What takes the reader out of the loop: -1. Errors that leave the tree whole only set r->bad. */
static int refuse(struct reader *r, enum wdf_code code, struct wdf_pos pos, const char *text,
		  const char *hint)
{
	struct wdf_diag *f = wdf_find(r->diags, code, pos, 1, "%s", text);

	if (hint)
		wdf_hint(f, "%s", hint);
	return -1;
}

static int count_nodes(struct reader *r, uint32_t n, struct wdf_pos pos)
{
	if (n > r->limits.nodes - r->nodes) {
		wdf_find(r->diags, WDF_NODES, pos, 1,
			 "node limit reached: more than %u nodes after expanding aliases", r->limits.nodes);
		return -1;
	}
	r->nodes += n;
	return 0;
}

static uint32_t add_anchor(struct reader *r, const yaml_char_t *name, int open)
{
	uint32_t i = (uint32_t)r->anchor_count;

	if (!name)
		return WF_STRMAP_NONE;
	r->anchors = wf_grow(r->anchors, &r->anchor_cap, r->anchor_count + 1, sizeof(*r->anchors));
	memset(&r->anchors[i], 0, sizeof(r->anchors[i]));
	r->anchors[i].open = open;
	r->anchor_count++;
	wf_strmap_set(&r->anchor_names, wf_arena_strdup(r->doc->arena, (const char *)name), i);
	return i;
}

static int refuse_tag(struct reader *r, const yaml_char_t *tag, struct wdf_pos pos)
{
	static const char core[] = "tag:yaml.org,2002:"; /* what "!!" is short for */
	const char *name = (const char *)tag, *bangs = "";
	char shown[WDF_SHOWN];

	if (!tag)
		return 0;
	if (strncmp(name, core, sizeof(core) - 1) == 0) {
		name += sizeof(core) - 1;
		bangs = "!!";
	}
	wdf_hint(wdf_find(r->diags, WDF_TAG, pos, 1, "tag '%s%s' is not allowed", bangs,
			  wdf_shown(name, strlen(name), shown)),
		 "remove it");
	r->bad = 1;
	return -1;
}

static void add_child(struct reader *r, const struct wdf_node *n, uint64_t bytes)
{
	struct frame *f;
	uint32_t total = n->kind == WDF_NODE_SCALAR ? 1 : n->total;

	if (r->depth == 0) {
		r->doc->root = *n;
		return;
	}
	f = &r->frames[r->depth - 1];
	f->total += total;
	f->bytes += bytes;
	if (n->height + 1 > f->height)
		f->height = (uint8_t)(n->height + 1);
	if (!f->is_map) {
		r->items = wf_grow(r->items, &r->item_cap, r->item_count + 1, sizeof(*r->items));
		r->items[r->item_count++] = *n;
		return;
	}
	f->key.value = *n;
	f->has_key = 0;
	r->entries = wf_grow(r->entries, &r->entry_cap, r->entry_count + 1, sizeof(*r->entries));
	r->entries[r->entry_count++] = f->key;
}

static int wants_key(const struct reader *r)
{
	return r->depth > 0 && r->frames[r->depth - 1].is_map && !r->frames[r->depth - 1].has_key;
}

static void take_key(struct reader *r, const struct wdf_node *n)
{
	struct frame *f = &r->frames[r->depth - 1];

	if (n->plain && strcmp(n->text, "<<") == 0) {
		refuse(r, WDF_MERGE, n->pos, "merge key '<<' is not allowed",
		       "put what steps have in common under 'defaults'");
		r->bad = 1;
	} else if (n->masked) {
		refuse(r, WDF_KEY, n->pos, "a key cannot be a placeholder", NULL);
		r->bad = 1;
	} else if (n->count == 0) {
		refuse(r, WDF_KEY, n->pos, "a key cannot be empty", NULL);
		r->bad = 1;
	}
	f->key.key = n->text;
	f->key.pos = n->pos;
	f->key.span = n->span;
	f->has_key = 1;
}

static int on_scalar(struct reader *r, const yaml_event_t *e)
{
	struct wdf_node n = { .kind = WDF_NODE_SCALAR, .pos = wdf_yaml_pos(e->start_mark) };
	const char *value = (const char *)e->data.scalar.value;
	uint32_t anchor;

	n.span = span_of(e->start_mark, e->end_mark);
	n.plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (count_nodes(r, 1, n.pos) < 0)
		return -1;
	refuse_tag(r, e->data.scalar.tag, n.pos);
	if (memchr(value, '\0', e->data.scalar.length)) {
		refuse(r, WDF_CHARACTER, n.pos, "U+0000 in a text", "remove the \\0");
		r->bad = 1;
		n.text = "";
	} else {
		n.text = wdf_masks_undo(&r->masks, r->doc->arena, value, e->data.scalar.length, &n);
	}
	anchor = add_anchor(r, e->data.scalar.anchor, 0);
	if (anchor != WF_STRMAP_NONE) {
		r->anchors[anchor].node = n;
		r->anchors[anchor].bytes = n.count;
	}
	if (wants_key(r))
		take_key(r, &n);
	else
		add_child(r, &n, n.count);
	return 0;
}

static int on_alias(struct reader *r, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	struct wdf_pos pos = wdf_yaml_pos(e->start_mark);
	uint32_t i = wf_strmap_get(&r->anchor_names, name);
	char shown[WDF_SHOWN];
	struct wdf_node *n;

	wdf_shown(name, strlen(name), shown);
	if (i == WF_STRMAP_NONE || r->anchors[i].open) {
		wdf_find(r->diags, WDF_ALIAS, pos, span_of(e->start_mark, e->end_mark), "alias '*%s' %s",
			 shown, i == WF_STRMAP_NONE ? "has no anchor before it" : "refers to itself");
		return -1;
	}
	if (++r->aliases > r->limits.aliases) {
		wdf_find(r->diags, WDF_NODES, pos, 1, "more than %u aliases", r->limits.aliases);
		return -1;
	}
	if (wants_key(r))
		return refuse(r, WDF_KEY, pos, "a key cannot be an alias", NULL);
	n = &r->anchors[i].node;
	if (count_nodes(r, n->kind == WDF_NODE_SCALAR ? 1 : n->total, pos) < 0)
		return -1;
	if (r->depth + n->height > r->limits.depth) {
		wdf_find(r->diags, WDF_DEPTH, pos, 1, "nested deeper than the depth limit %u",
			 r->limits.depth);
		return -1;
	}
	r->alias_bytes += r->anchors[i].bytes;
	if (r->alias_bytes > MOST_ALIASED) {
		wdf_find(r->diags, WDF_NODES, pos, 1, "text limit reached: more than %d bytes after expanding aliases", MOST_ALIASED);
		return -1;
	}
	add_child(r, n, r->anchors[i].bytes);
	return 0;
}

static int on_open(struct reader *r, const yaml_event_t *e, int is_map)
{
	struct wdf_pos pos = wdf_yaml_pos(e->start_mark);
	struct frame *f;

	if (wants_key(r))
		return refuse(r, WDF_KEY, pos, "a key must be a word, found a list or mapping",
			      "quote it if it is meant as text");
	if (r->depth == r->limits.depth) {
		wdf_find(r->diags, WDF_DEPTH, pos, 1, "nested deeper than the depth limit %u",
			 r->limits.depth);
		return -1;
	}
	if (count_nodes(r, 1, pos) < 0)
		return -1;
	refuse_tag(r, is_map ? e->data.mapping_start.tag : e->data.sequence_start.tag, pos);
	f = &r->frames[r->depth];
	memset(f, 0, sizeof(*f));
	f->is_map = (uint8_t)is_map;
	f->first = is_map ? r->entry_count : r->item_count;
	f->pos = pos;
	f->span = span_of(e->start_mark, e->end_mark);
	f->total = 1;
	f->anchor = add_anchor(r, is_map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor, 1);
	r->depth++;
	return 0;
}

static void find_twice(struct reader *r, const struct wdf_entry *e, size_t n)
{
	enum { FEW = 8 };
	struct wf_strmap seen = { 0 };

	for (size_t i = 0; i < n; i++) {
		uint32_t first = WF_STRMAP_NONE;
		char shown[WDF_SHOWN];

		if (n <= FEW) {
			for (size_t k = 0; k < i && first == WF_STRMAP_NONE; k++)
				if (strcmp(e[k].key, e[i].key) == 0)
					first = (uint32_t)k;
		} else {
			first = wf_strmap_add(&seen, e[i].key, (uint32_t)i);
			if (first == i)
				first = WF_STRMAP_NONE;
		}
		if (first != WF_STRMAP_NONE && e[i].key[0]) {
			wdf_related(wdf_find(r->diags, WDF_TWICE, e[i].pos, e[i].span,
					     "duplicate key '%s'",
					     wdf_shown(e[i].key, strlen(e[i].key), shown)),
				    e[first].pos, "first given here");
			r->bad = 1;
		}
	}
	wf_strmap_release(&seen);
}

static void on_close(struct reader *r)
{
	struct frame *f = &r->frames[--r->depth];
	struct wdf_node n = { .kind = f->is_map ? WDF_NODE_MAP : WDF_NODE_LIST, .pos = f->pos,
			      .span = f->span, .height = f->height ? f->height : 1, .total = f->total };
	size_t count = (f->is_map ? r->entry_count : r->item_count) - f->first;

	n.count = (uint32_t)count;
	if (f->is_map) {
		struct wdf_entry *to = wf_arena_alloc(r->doc->arena, count * sizeof(*to));

		if (count)
			memcpy(to, r->entries + f->first, count * sizeof(*to));
		r->entry_count = f->first;
		n.entries = to;
		find_twice(r, to, count);
	} else {
		struct wdf_node *to = wf_arena_alloc(r->doc->arena, count * sizeof(*to));

		if (count)
			memcpy(to, r->items + f->first, count * sizeof(*to));
		r->item_count = f->first;
		n.items = to;
	}
	if (f->anchor != WF_STRMAP_NONE) {
		r->anchors[f->anchor].node = n;
		r->anchors[f->anchor].bytes = f->bytes;
		r->anchors[f->anchor].open = 0;
	}
	add_child(r, &n, f->bytes);
}

static int on_event(struct reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++r->documents == 1)
			return 0;
		return refuse(r, WDF_DOCUMENTS, wdf_yaml_pos(e->start_mark), "a second document begins here",
			      "a file describes one workflow");
	case YAML_SCALAR_EVENT:
		return on_scalar(r, e);
	case YAML_ALIAS_EVENT:
		return on_alias(r, e);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(r, e, 0);
	case YAML_MAPPING_START_EVENT:
		return on_open(r, e, 1);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_close(r);
		return 0;
	default:
		return 0;
	}
}

static int read_events(struct reader *r, const struct wf_buf *masked)
{
	yaml_parser_t p;
	int rc = 0, done = 0;

	if (!yaml_parser_initialize(&p))
		wf_out_of_memory(0);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)wf_buf_cstr(masked), masked->len);
	while (!done && rc == 0) {
		yaml_event_t e;

		if (!yaml_parser_parse(&p, &e)) {
			wdf_yaml_error(&p, r->text, r->len, masked, r->diags);
			rc = -1;
			break;
		}
		done = e.type == YAML_STREAM_END_EVENT;
		rc = on_event(r, &e);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&p);
	return rc;
}

static uint32_t lower(uint32_t ours, uint32_t sites)
{
	return sites && sites < ours ? sites : ours;
}

static struct wdf_limits limits_of(const struct wdf_limits *site)
{
	static const struct wdf_limits none;

	if (!site)
		site = &none;
	return (struct wdf_limits){ .bytes = site->bytes && site->bytes < WDF_MAX_BYTES ? site->bytes : WDF_MAX_BYTES,
				    .depth = lower(WDF_MAX_DEPTH, site->depth),
				    .nodes = lower(WDF_MAX_NODES, site->nodes),
				    .aliases = lower(WDF_MAX_ALIASES, site->aliases) };
}

int wdf_doc_parse(struct wdf_doc *doc, struct wf_arena *a, const char *text, size_t n, struct wdf_diags *d)
{
	struct reader r = { .doc = doc, .diags = d };
	struct wf_buf masked = { 0 };
	size_t skip = 0;
	int rc = -1;

	doc->arena = a;
	r.limits = limits_of(doc->limits);
	if (n > r.limits.bytes) {
		wdf_find(d, WDF_TOO_LARGE, (struct wdf_pos){ 0, 0 }, 1,
			 "file has %zu bytes, more than the limit of %zu", n, r.limits.bytes);
		return -1;
	}
	if (wdf_text_check(text, n, &skip, d) < 0)
		return -1;
	r.text = text + skip;
	r.len = n - skip;
	wdf_masks_put(&r.masks, r.text, r.len, &masked);
	if (read_events(&r, &masked) == 0 && !r.bad) {
		rc = 0;
		if (r.documents == 0)
			rc = refuse(&r, WDF_EMPTY, (struct wdf_pos){ 1, 1 },
				    "the file is empty", "expected a mapping with 'workflow' and 'steps'");
	}
	if (rc == 0) {
		struct wdf_pos *to = wf_arena_alloc(a, r.masks.count * sizeof(*to));

		if (r.masks.count)
			memcpy(to, r.masks.places, r.masks.count * sizeof(*to));
		doc->masks = to;
		doc->mask_count = (uint32_t)r.masks.count;
	}
	wf_buf_release(&masked);
	wf_strmap_release(&r.anchor_names);
	free(r.anchors);
	wdf_masks_release(&r.masks);
	free(r.items);
	free(r.entries);
	return rc;
}
