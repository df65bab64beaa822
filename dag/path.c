/* path.c - owns how two ways of writing one path become equal; knows no file system: links are not
 * followed. */
#include "dag/graph.h"

#include <string.h>

/* Append the parts of path to out, which holds an absolute path in the same form from `floor` on;
 * "" is the root. */
static void add_parts(struct wf_buf *out, size_t floor, const char *path, size_t n)
{
	for (size_t i = 0, len; i < n; i += len + 1) {
		const char *part = path + i, *slash = memchr(part, '/', n - i);

		len = slash ? (size_t)(slash - part) : n - i;
		if (len == 0 || (len == 1 && part[0] == '.'))
			continue;
		if (len == 2 && part[0] == '.' && part[1] == '.') {
			while (out->len > floor && out->data[--out->len] != '/')
				;
			continue;
		}
		wf_buf_char(out, '/');
		wf_buf_add(out, part, len);
	}
}

void path_join(const char *base, const char *path, size_t n, struct wf_buf *out)
{
	size_t floor = out->len;

	if (!n || path[0] != '/')
		add_parts(out, floor, base, strlen(base));
	add_parts(out, floor, path, n);
	if (out->len == floor)
		wf_buf_char(out, '/');
	else
		out->data[out->len] = '\0';
}
