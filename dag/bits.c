/* bits.c - owns the set of small numbers; knows nothing of what they number. */
#include "dag/bits.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"

static size_t words(uint32_t size, uint32_t level)
{
	size_t n = size;

	for (uint32_t i = 0; i <= level; i++)
		n = (n + 63) / 64;
	return n ? n : 1;
}

void bits_init(struct bits *b, uint32_t size)
{
	memset(b, 0, sizeof(*b));
	b->size = size;
	do {
		b->level[b->levels] = wf_xcalloc(words(size, b->levels), sizeof(uint64_t));
		b->levels++;
	} while (words(size, b->levels - 1) > 1);
}

void bits_release(struct bits *b)
{
	for (uint32_t i = 0; i < b->levels; i++)
		free(b->level[i]);
	memset(b, 0, sizeof(*b));
}

void bits_grow(struct bits *b, uint32_t size)
{
	struct bits bigger;
	uint32_t i;

	if (size <= b->size)
		return;
	bits_init(&bigger, size);
	while ((i = bits_first(b)) != BITS_NONE) {
		bits_clear(b, i);
		bits_set(&bigger, i);
	}
	bits_release(b);
	*b = bigger;
}

void bits_set(struct bits *b, uint32_t i)
{
	for (uint32_t level = 0; level < b->levels; level++) {
		uint64_t *w = &b->level[level][i / 64], old = *w;

		*w |= (uint64_t)1 << (i % 64);
		if (old)
			return;
		i /= 64;
	}
}

void bits_clear(struct bits *b, uint32_t i)
{
	for (uint32_t level = 0; level < b->levels; level++) {
		uint64_t *w = &b->level[level][i / 64];

		*w &= ~((uint64_t)1 << (i % 64));
		if (*w)
			return;
		i /= 64;
	}
}

int bits_has(const struct bits *b, uint32_t i)
{
	return (int)(b->level[0][i / 64] >> (i % 64) & 1);
}

uint32_t bits_first(const struct bits *b)
{
	uint32_t i = 0;

	if (!b->level[b->levels - 1][0])
		return BITS_NONE;
	for (uint32_t level = b->levels; level-- > 0;)
		i = i * 64 + (uint32_t)__builtin_ctzll(b->level[level][i]);
	return i;
}

size_t bits_bytes(const struct bits *b)
{
	size_t n = 0;

	for (uint32_t i = 0; i < b->levels; i++)
		n += words(b->size, i) * sizeof(uint64_t);
	return n;
}
