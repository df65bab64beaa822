/* fuzz.c - owns what holds of every input; knows no subject. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/os.h"

/* Sanitizers and the counters of a fuzzer cost a factor of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
#define CPU_MAX_NS INT64_C(8000000000)
#else
#define CPU_MAX_NS INT64_C(1000000000)
#endif

static char *made;
static pid_t made_by;

void fuzz_broken(const char *file, int line, const char *cond, const char *text)
{
	fprintf(stderr, "%s:%d: broken: %s%s%s\n", file, line, cond, text ? ": " : "", text ? text : "");
	abort();
}

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t fuzz_start(void)
{
	return cpu_ns();
}

void fuzz_end(int64_t start)
{
	MUST(cpu_ns() - start < CPU_MAX_NS);
}

uint32_t fuzz_lines(const char *text, size_t n)
{
	uint32_t lines = 1;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n' || (text[i] == '\r' && !(i + 1 < n && text[i + 1] == '\n'));
	return lines;
}

void fuzz_is_placed(const struct wf_err *err, const char *name, const char *text, size_t n)
{
	size_t head = strlen(name);
	unsigned long line = 0, column = 0;
	int end = 0;

	MUST_SAY(strncmp(err->text, name, head) == 0, err->text);
	MUST_SAY(sscanf(err->text + head, ":%lu:%lu: %n", &line, &column, &end) == 2 && end > 0, err->text);
	MUST_SAY(err->text[head + (size_t)end] != '\0', err->text);
	MUST_SAY(line >= 1 && line <= fuzz_lines(text, n), err->text);
	MUST_SAY(column >= 1 && column <= n + 2, err->text);
}

static void remove_dir(void)
{
	if (made_by == getpid())
		wf_dir_remove(wf_os_posix(), made, NULL);
	free(made);
}

const char *fuzz_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	/* A child that a fuzzer forked has a directory of its own. */
	if (made && made_by == getpid())
		return made;
	if (!tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	if (!made)
		atexit(remove_dir);
	free(made);
	made = wf_xasprintf("%s/wf-fuzz.XXXXXX", tmp);
	MUST_SAY(mkdtemp(made), made);
	made_by = getpid();
	return made;
}

void fuzz_quiet(void)
{
	static int null = -1;

	if (null >= 0)
		return;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	wf_log_to(null, WF_LOG_ERROR, "fuzz");
}
