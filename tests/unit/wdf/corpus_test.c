/* corpus_test.c - every file of tests/corpus/wdf gets exactly the findings written beside it (FILE.expect)
 *
 * WDF_EXPECT=write in the environment writes the .expect files instead; read the difference before you commit it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap/tap.h"
#include "wdf-schema/wdf.h"

static const char root[] = "tests/corpus/wdf";

static char *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	struct wf_buf b = { 0 };
	size_t got;

	if (!f)
		return NULL;
	while ((got = fread(wf_buf_room(&b, 65536), 1, 65536, f)) > 0)
		b.len += got;
	fclose(f);
	wf_buf_room(&b, 1);
	b.data[b.len] = '\0';
	*n = b.len;
	return wf_buf_take(&b);
}

static char *findings(const char *path, const char *name, const struct wdf_types *types, int good, int *valid)
{
	struct wdf_input in = { .file = name, .allow_needed = good };
	struct wdf_diags d = { 0 };
	struct wf_buf out = { 0 };
	char *text = read_file(path, &in.len);
	struct wdf *w;
	size_t unplaced = 0;

	if (!text)
		bail("cannot read %s", path);
	in.text = text;
	w = wdf_parse(&in, types, &d);
	*valid = w != NULL;
	if (good && w)
		wdf_executable(w, "local", types, &d);
	for (size_t i = 0; i < d.count; i++)
		unplaced += d.items[i].pos.line == 0 && d.items[i].severity == WDF_ERROR && !good;
	is_int(unplaced, 0, "every finding of %s has a place", name);
	wdf_diags_text(&d, name, NULL, 0, 0, &out);
	for (uint32_t i = 0; w && i < w->needed_count; i++)
		wf_buf_printf(&out, "%s:%u:%u: needs %s\n", name, w->needed[i].pos.line, w->needed[i].pos.column,
			      w->needed[i].name);
	wdf_diags_release(&d);
	wdf_free(w);
	free(text);
	return wf_buf_take(&out);
}

static int is_yaml(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && strcmp(e->d_name + n - 5, ".yaml") == 0;
}

static void test_folder(const char *folder, const struct wdf_types *types, int good)
{
	const char *write = getenv("WDF_EXPECT");
	char dir[256], path[600], expect[700];
	struct dirent **list;
	int n, valid;

	snprintf(dir, sizeof(dir), "%s/%s", root, folder);
	n = scandir(dir, &list, is_yaml, alphasort);
	if (n <= 0)
		bail("no files in %s; run from the root of the sources", dir);
	for (int i = 0; i < n; i++) {
		char *got, *want;
		size_t len = 0;

		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		snprintf(expect, sizeof(expect), "%s.expect", path);
		got = findings(path, list[i]->d_name, types, good, &valid);
		if (write && strcmp(write, "write") == 0) {
			FILE *f = fopen(expect, "wb");

			if (!f || fputs(got, f) < 0 || fclose(f) != 0)
				bail("cannot write %s", expect);
		}
		want = read_file(expect, &len);
		is_str(got, want, "findings of %s/%s", folder, list[i]->d_name);
		is_int(valid, good, "it is %s", good ? "valid" : "refused");
		free(want);
		free(got);
		free(list[i]);
	}
	free(list);
}

int main(void)
{
	const char *dir = "services/types";
	struct wf_err err;
	struct wdf_types *types = wdf_types_load(&dir, 1, &err);

	if (!types)
		bail("driver files: %s", err.text);
	test_folder("good", types, 1);
	test_folder("bad/text", types, 0);
	test_folder("bad/schema", types, 0);
	test_folder("bad/semantic", types, 0);
	wdf_types_free(types);
	return done_testing();
}
