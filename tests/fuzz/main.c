/* main.c - the main of a harness where libFuzzer does not bring one
 *
 *     wdf_fuzz                 every file of tests/fuzz/corpus/wdf and tests/fuzz/finds/wdf, as a TAP test
 *     wdf_fuzz FILE...         those files, for whoever looks at a find
 *
 * Built by AFL++'s compiler it is that fuzzer's persistent loop instead.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "tests/fuzz/fuzz.h"
#include "tests/tap/tap.h"

#ifdef __AFL_COMPILER
/* In what its macros become. */
#pragma clang diagnostic ignored "-Wshorten-64-to-32"

__AFL_FUZZ_INIT();

int main(void)
{
	const uint8_t *data;

	__AFL_INIT();
	data = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(10000))
		LLVMFuzzerTestOneInput(data, (size_t)__AFL_FUZZ_TESTCASE_LEN);
	return 0;
}

#else

static void run_file(const char *path)
{
	struct wf_buf b = { 0 };
	struct wf_err err;
	uint8_t *exact;

	/* The last one named is the one that it died of. */
	diag("%s", path);
	fflush(stdout);
	if (wf_file_read(wf_os_posix(), path, 1u << 30, &b, &err) < 0)
		bail("%s", err.text);
	/* A copy of exactly that size: a sanitizer sees a read past the end. */
	exact = malloc(b.len ? b.len : 1);
	if (b.len)
		memcpy(exact, b.data, b.len);
	LLVMFuzzerTestOneInput(exact, b.len);
	free(exact);
	wf_buf_release(&b);
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int run_dir(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, is_visible, alphasort);

	for (int i = 0; i < n; i++) {
		char *file = wf_xasprintf("%s/%s", path, names[i]->d_name);

		run_file(file);
		free(file);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	int subject = (int)strcspn(name, "_");
	char *corpus = wf_xasprintf("tests/fuzz/corpus/%.*s", subject, name), *finds = wf_xasprintf("tests/fuzz/finds/%.*s", subject, name);
	int n;

	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	if (argc == 1) {
		n = run_dir(corpus);
		ok(n > 0, "%d inputs of %s", n, corpus);
		n = run_dir(finds);
		ok(1, "%d finds of %s", n > 0 ? n : 0, finds);
	}
	free(corpus);
	free(finds);
	return argc == 1 ? done_testing() : 0;
}

#endif
