/* memory.c - owns the count of allocations; the memory itself is the C library's. */
#include "tests/alloc/memory.h"

#include <errno.h>
#include <stddef.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

#define OURS __attribute__((visibility("default")))
OURS void *malloc(size_t n);
OURS void *calloc(size_t n, size_t size);
OURS void *realloc(void *p, size_t n);
OURS void *memalign(size_t align, size_t n);
OURS void *aligned_alloc(size_t align, size_t n);
OURS int posix_memalign(void **p, size_t align, size_t n);

static uint64_t count, fail_at;
static int armed;
static __thread int exempt;

void memory_arm(uint64_t at)
{
	fail_at = at;
	__atomic_store_n(&armed, 1, __ATOMIC_SEQ_CST);
}

uint64_t memory_count(void)
{
	return __atomic_load_n(&count, __ATOMIC_SEQ_CST);
}

void memory_exempt(void)
{
	exempt = 1;
}

static int fails(void)
{
	if (exempt || !__atomic_load_n(&armed, __ATOMIC_RELAXED))
		return 0;
	if (__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) != fail_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

void *memalign(size_t align, size_t n)
{
	return fails() ? NULL : __libc_memalign(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	return memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	void *got = memalign(align, n);

	if (!got)
		return ENOMEM;
	*p = got;
	return 0;
}
