/* fuzz.h - what the harnesses share: a broken promise, and the limits that hold for every input
 *
 * A harness is one file tests/fuzz/SUBJECT_fuzz.c with LLVMFuzzerTestOneInput. It serves three programs (files.mk): libFuzzer brings its
 * own main; main.c is the one of AFL++ (persistent) and of plain regression, which runs the files of corpus/SUBJECT and finds/SUBJECT.
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *     {
 *             int64_t start = fuzz_start();
 *             ... MUST(what holds of every input) ...
 *             fuzz_end(start);
 *             return 0;
 *     }
 */
#ifndef WF_FUZZ_FUZZ_H
#define WF_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Larger inputs find nothing that smaller ones do not. */
#define FUZZ_INPUT_MAX (64u << 10)

#define MUST(cond) ((cond) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #cond, NULL))
#define MUST_SAY(cond, text) ((cond) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #cond, (text)))
void fuzz_broken(const char *file, int line, const char *cond, const char *text) __attribute__((noreturn));

/* One input: at most a second of processor time, where no sanitizer slows it down. */
int64_t fuzz_start(void);
void fuzz_end(int64_t start);

/* Lines of a text, as an editor counts them: LF, CRLF and CR end one. */
uint32_t fuzz_lines(const char *text, size_t n);
/* An error's text begins with "NAME:LINE:COLUMN: ", and that is a place in the text. */
void fuzz_is_placed(const struct wf_err *err, const char *name, const char *text, size_t n);

/* A directory of this process in $TMPDIR, else in memory where there is such a place; removed at exit. */
const char *fuzz_dir(void);
/* What the code under test logs goes nowhere. */
void fuzz_quiet(void);

#endif
