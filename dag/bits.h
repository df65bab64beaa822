/* bits.h - a set of small numbers that gives back its least member at once
 *
 * A bit per number and, above it, a bit per word that is not zero, up to one word: set, clear and
 * first look at one word per level. The plan keeps in it the tasks whose verdict is due, so the
 * order of verdicts is the order of the tasks and not that of what ended.
 */
#ifndef WF_DAG_BITS_H
#define WF_DAG_BITS_H

#include <stddef.h>
#include <stdint.h>

#define BITS_LEVELS 6 /* 64^6 exceeds 32 bits */
#define BITS_NONE UINT32_MAX

struct bits {
	uint64_t *level[BITS_LEVELS];
	uint32_t levels;
	uint32_t size;
};

void bits_init(struct bits *b, uint32_t size);
void bits_release(struct bits *b);
void bits_grow(struct bits *b, uint32_t size); /* keeps the members */
void bits_set(struct bits *b, uint32_t i);
void bits_clear(struct bits *b, uint32_t i);
int bits_has(const struct bits *b, uint32_t i);
uint32_t bits_first(const struct bits *b); /* or BITS_NONE */
size_t bits_bytes(const struct bits *b);

#endif
