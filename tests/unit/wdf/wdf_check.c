/* wdf_check.c - a small front of the language for tests: findings of files, as text or JSON
 *
 *     wdf_check [--types DIR] [--json] [--needed] [--run] [-p NAME=VALUE]... FILE...
 *
 * Exit code 0 when no file has an error, else 3. --needed allows names without a value, --run asks what is executed too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/wdf.h"

struct options {
	const char *names[64], *values[64];
	size_t given;
	int json, needed, run;
	struct wdf_types *types;
};

static char *read_all(const char *file, size_t *n)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
	struct wf_buf b = { 0 };
	size_t got;

	if (!f) {
		perror(file);
		exit(5);
	}
	while ((got = fread(wf_buf_room(&b, 1 << 16), 1, 1 << 16, f)) > 0)
		b.len += got;
	if (f != stdin)
		fclose(f);
	*n = b.len;
	wf_buf_room(&b, 1);
	b.data[b.len] = '\0';
	return wf_buf_take(&b);
}

static int check(const struct options *o, const char *file)
{
	struct wdf_diags d = { 0 };
	struct wdf_input in = { .file = file, .names = o->names, .values = o->values, .given = o->given,
				.allow_needed = o->needed };
	char *text = read_all(file, &in.len);
	struct wdf *w;
	size_t errors;

	in.text = text;
	w = wdf_parse(&in, o->types, &d);
	if (w && o->run)
		wdf_executable(w, "local", o->types, &d);
	errors = d.errors;
	if (o->json) {
		json_t *j = json_object();
		char *s;

		json_object_set_new(j, "file", json_string(file));
		json_object_set_new(j, "valid", json_boolean(!errors));
		json_object_set_new(j, "findings", wdf_diags_json(&d));
		s = json_dumps(j, JSON_COMPACT);
		puts(s);
		free(s);
		json_decref(j);
	} else {
		struct wf_buf out = { 0 };

		wdf_diags_text(&d, file, text, in.len, 0, &out);
		fputs(wf_buf_cstr(&out), stdout);
		wf_buf_release(&out);
		for (uint32_t i = 0; w && i < w->needed_count; i++)
			printf("%s:%u:%u: needs -p %s=VALUE\n", file, w->needed[i].pos.line, w->needed[i].pos.column,
			       w->needed[i].name);
	}
	wdf_free(w);
	wdf_diags_release(&d);
	free(text);
	return errors > 0;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct wf_err err;
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			o.json = 1;
		} else if (strcmp(argv[i], "--needed") == 0) {
			o.needed = 1;
		} else if (strcmp(argv[i], "--run") == 0) {
			o.run = 1;
		} else if (strcmp(argv[i], "--types") == 0 && i + 1 < argc) {
			const char *dir = argv[++i];

			o.types = wdf_types_load(&dir, 1, &err);
			if (!o.types) {
				fprintf(stderr, "wdf_check: %s\n", err.text);
				return 10;
			}
		} else if (strcmp(argv[i], "-p") == 0 && i + 1 < argc && o.given < 64) {
			char *eq = strchr(argv[++i], '=');

			if (!eq)
				return 2;
			*eq = '\0';
			o.names[o.given] = argv[i];
			o.values[o.given++] = eq + 1;
		} else {
			bad |= check(&o, argv[i]);
		}
	}
	wdf_types_free(o.types);
	return bad ? 3 : 0;
}
