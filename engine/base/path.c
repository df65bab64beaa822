/* path.c - owns path arithmetic and where this installation lies; touches no file but its own executable's link. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/os.h"

char *wf_path_resolve(const char *base, const char *path)
{
	struct wf_buf in = { 0 }, out = { 0 };
	const char *p;

	if (path[0] != '/') {
		wf_buf_str(&in, base);
		wf_buf_char(&in, '/');
	}
	wf_buf_str(&in, path);
	wf_buf_add(&out, "", 0);
	for (p = wf_buf_cstr(&in); *p;) {
		const char *end;
		size_t n;

		while (*p == '/')
			p++;
		end = strchrnul(p, '/');
		n = (size_t)(end - p);
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (out.len && out.data[--out.len] != '/')
				;
			out.data[out.len] = '\0';
		} else if (n && !(n == 1 && p[0] == '.')) {
			wf_buf_char(&out, '/');
			wf_buf_add(&out, p, n);
		}
		p = end;
	}
	if (!out.len)
		wf_buf_char(&out, '/');
	wf_buf_release(&in);
	return wf_buf_take(&out);
}

const char *wf_path_bin(void)
{
	static char dir[PATH_MAX];

	if (!dir[0]) {
		ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

		if (n <= 0)
			return ".";
		dir[n] = '\0';
		*strrchr(dir, '/') = '\0';
	}
	return dir;
}

const char *wf_path_share(void)
{
	static char share[PATH_MAX];

	if (!share[0]) {
		char *s = wf_path_resolve(wf_path_bin(), "../share/wf");

		if (strlen(s) < sizeof(share))
			strcpy(share, s);
		free(s);
	}
	return share;
}
