/* source_test.c - fan-out values that lie outside the file: patterns and CSV */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap/tap.h"
#include "wdf-schema/wdf.h"

static char dir[] = "/tmp/wf-source-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		bail("cannot write %s: %s", path, strerror(errno));
}

/* What is read for one value of foreach, as JSON text, or "error: ...". */
static const char *read_source(const char *values, const char *in)
{
	static char got[2000];
	char text[400];
	struct wdf_diags d = { 0 };
	struct wdf_input input = { .text = text, .file = "f" };
	struct wf_err err;
	struct wdf *w;
	json_t *j;
	char *s;

	snprintf(text, sizeof(text), "workflow: {name: t}\nsteps:\n  - {name: a, command: echo, foreach: {x: %s}}\n", values);
	input.len = strlen(text);
	w = wdf_parse(&input, NULL, &d);
	if (!w)
		bail("a file of the test is refused: %s", d.items[0].text);
	j = wdf_source_read(w, in, &err);
	if (!j) {
		snprintf(got, sizeof(got), "error: %.900s", err.text);
	} else {
		s = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
		snprintf(got, sizeof(got), "%s", s);
		free(s);
		json_decref(j);
	}
	wdf_free(w);
	wdf_diags_release(&d);
	return got;
}

int main(void)
{
	char path[200], pattern[300], want[400];

	if (!mkdtemp(dir))
		bail("mkdtemp: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/su[b]", dir);
	if (mkdir(path, 0700) < 0)
		bail("mkdir: %s", strerror(errno));
	put("b.dat", "");
	put("a.dat", "");
	put("Z.dat", "");
	put(".hidden.dat", "");
	put("su[b]/c.dat", "");
	is_str(read_source("{glob: \"*.dat\"}", dir), "{\"csv\":{},\"glob\":{\"*.dat\":[\"Z.dat\",\"a.dat\",\"b.dat\"]}}",
	       "a pattern, sorted by bytes, hidden files left out");
	is_str(read_source("{glob: \"a.dat\"}", dir), "{\"csv\":{},\"glob\":{\"a.dat\":[\"a.dat\"]}}", "a pattern without a star");
	is_str(read_source("{glob: \"no*\"}", dir), "{\"csv\":{},\"glob\":{\"no*\":[]}}", "no match is an empty list");
	is_str(read_source("{glob: \"*.dat\"}", path), "{\"csv\":{},\"glob\":{\"*.dat\":[\"c.dat\"]}}",
	       "the directory's own brackets are no pattern");
	snprintf(pattern, sizeof(pattern), "{glob: \"%s/a*\"}", dir);
	snprintf(want, sizeof(want), "{\"csv\":{},\"glob\":{\"%s/a*\":[\"%s/a.dat\"]}}", dir, dir);
	is_str(read_source(pattern, "/"), want, "an absolute pattern gives absolute paths");

	put("t.csv", "\xef\xbb\xbfsample,size\r\na,1\r\n\r\n\"b, \"\"x\"\"\",2\r\n\"c\nd\",\r\n");
	is_str(read_source("{csv: t.csv}", dir),
	       "{\"csv\":{\"t.csv\":[{\"sample\":\"a\",\"size\":\"1\"},{\"sample\":\"b, \\\"x\\\"\",\"size\":\"2\"},"
	       "{\"sample\":\"c\\nd\",\"size\":\"\"}]},\"glob\":{}}",
	       "a table: quotes, commas, newlines, an empty line, an empty field");
	put("one.csv", "a\n1\n2");
	is_str(read_source("{csv: one.csv}", dir), "{\"csv\":{\"one.csv\":[{\"a\":\"1\"},{\"a\":\"2\"}]},\"glob\":{}}",
	       "a last line without newline");
	put("head.csv", "a,b\n");
	is_str(read_source("{csv: head.csv}", dir), "{\"csv\":{\"head.csv\":[]},\"glob\":{}}", "only a header: empty");
	put("ragged.csv", "a,b\n1,2\n1\n");
	is_str(read_source("{csv: ragged.csv}", dir), "error: foreach 'x' of step 'a': ragged.csv:3: 1 fields where the first line has 2",
	       "a short row");
	put("open.csv", "a,b\n\"1,2\n3,4\n");
	is_str(read_source("{csv: open.csv}", dir), "error: foreach 'x' of step 'a': open.csv:2: a quoted field is not closed",
	       "an open quote, where it opens");
	put("quote.csv", "a,b\n1\"2,3\n");
	is_str(read_source("{csv: quote.csv}", dir),
	       "error: foreach 'x' of step 'a': quote.csv:2: a quote stands inside a field that is not quoted", "a stray quote");
	put("after.csv", "a,b\n\"1\"2,3\n");
	is_str(read_source("{csv: after.csv}", dir), "error: foreach 'x' of step 'a': after.csv:2: text follows a quoted field",
	       "text behind a quote");
	put("name.csv", "a,my col\n1,2\n");
	is_str(read_source("{csv: name.csv}", dir),
	       "error: foreach 'x' of step 'a': name.csv:1: column 'my col' is not a name: a letter, then letters, digits and '_'",
	       "a column must have a name");
	put("twice.csv", "a,a\n1,2\n");
	is_str(read_source("{csv: twice.csv}", dir), "error: foreach 'x' of step 'a': twice.csv:1: two columns are called 'a'",
	       "two columns of one name");
	put("latin.csv", "a\n\xe9\n");
	is_str(read_source("{csv: latin.csv}", dir), "error: foreach 'x' of step 'a': latin.csv:2: a field is not UTF-8 text",
	       "not UTF-8");
	put("empty.csv", "");
	is_str(read_source("{csv: empty.csv}", dir),
	       "error: foreach 'x' of step 'a': empty.csv: the file is empty; the first line names the columns", "an empty file");
	has_str(read_source("{csv: none.csv}", dir), "error: foreach 'x' of step 'a': ", "a missing file");

	snprintf(pattern, sizeof(pattern), "rm -rf '%s'", dir);
	if (system(pattern) != 0)
		diag("%s was left", dir);
	return done_testing();
}
