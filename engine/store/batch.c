/* batch.c - owns the memory of a batch: copies of what it was given, as a list of writes.
 *
 * Knows no table: each family (events.c, tasks.c, rows.c, notes.c ...) adds its own writes.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/store/store_internal.h"

static void init_list(struct oplist *l)
{
	l->first = NULL;
	l->end = &l->first;
}

struct wf_batch *wf_batch_create(void)
{
	struct wf_batch *b = wf_xcalloc(1, sizeof(*b));

	init_list(&b->events);
	init_list(&b->rest);
	init_list(&b->forgets);
	return b;
}

void wf_batch_free(struct wf_batch *b)
{
	if (!b)
		return;
	wf_arena_release(&b->mem);
	free(b);
}

size_t wf_batch_bytes(const struct wf_batch *b)
{
	return b->bytes;
}

int wf_batch_is_empty(const struct wf_batch *b)
{
	return !b->events.first && !b->rest.first && !b->forgets.first;
}

void *batch_op(struct wf_batch *b, struct oplist *list, size_t size,
	       int (*write)(struct wf_store *s, const struct op *op, struct wf_err *err))
{
	struct op *op = wf_arena_alloc(&b->mem, size);

	op->write = write;
	*list->end = op;
	list->end = &op->next;
	b->bytes += size;
	return op;
}

void *batch_copy(struct wf_batch *b, const void *p, size_t n)
{
	void *to;

	if (!p)
		return NULL;
	to = wf_arena_alloc(&b->mem, n ? n : 1);
	if (n)
		memcpy(to, p, n);
	b->bytes += n;
	return to;
}

char *batch_text(struct wf_batch *b, const char *s)
{
	return s ? batch_copy(b, s, strlen(s) + 1) : NULL;
}
