/* memory.h - a C library's memory of which one allocation fails
 *
 * memory.c takes the place of malloc and its kin for the whole program, SQLite, libuv, jansson and libmicrohttpd included. Allocations
 * are counted from memory_arm on, in all threads but those that are exempt; the one with that number gets nothing.
 */
#ifndef WF_ALLOC_MEMORY_H
#define WF_ALLOC_MEMORY_H

#include <stdint.h>

/* 0: none fails, they are only counted. */
void memory_arm(uint64_t fail_at);
uint64_t memory_count(void);
/* The calling thread is no part of what is tested. */
void memory_exempt(void);

#endif
