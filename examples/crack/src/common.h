/*
 * common.h - what every program of this example shares: how it begins and how it gives up.
 *
 * A program calls begin() first. It appends one line to the file named by CRACK_LEDGER, when that
 * is set, so that anybody can count afterwards which task really started and how often. It then
 * reads its words with parse_number() and parse_count(), and ends with fail() when it cannot go on:
 * "program: sentence" on stderr and an exit code of sysexits.h.
 */
#ifndef CRACK_COMMON_H
#define CRACK_COMMON_H

#include <stddef.h>
#include <sysexits.h>

/* Remembers the program's name for fail() and notes the start in the ledger. */
void begin(const char *program);

/* Prints "program: text" and exits with code. */
void fail(int code, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* The number in text; fails with EX_DATAERR, naming what was expected, unless all of it is one. */
double parse_number(const char *text, const char *what);
long parse_count(const char *text, const char *what);

/* malloc and realloc that fail() instead of returning NULL; count elements of size bytes. */
void *allocate(size_t count, size_t size);
void *reallocate(void *old, size_t count, size_t size);

/* A formatted string of its own; the caller frees it. */
char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
