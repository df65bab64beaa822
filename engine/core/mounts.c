/* mounts.c - owns the question whether locks on a file system reach beyond this host; reads a mount table, mounts nothing. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/owner.h"

/* NFS and Lustre, mounted so that each host locks for itself. */
static const char *const alone[] = { "nolock", "localflock", "noflock", "local_lock=all", "local_lock=flock", "local_lock=posix" };

/* A path of the table: blanks and the like are written in octal. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	*to = '\0';
}

static int lies_below(const char *dir, const char *point)
{
	size_t n = strlen(point);

	return strcmp(point, "/") == 0 || (strncmp(dir, point, n) == 0 && (dir[n] == '/' || dir[n] == '\0'));
}

static const char *find_alone(char *options)
{
	char *save = NULL;

	for (char *o = strtok_r(options, ", ", &save); o; o = strtok_r(NULL, ", ", &save))
		for (size_t i = 0; i < WF_COUNT(alone); i++)
			if (strcmp(o, alone[i]) == 0)
				return alone[i];
	return NULL;
}

int mounts_check(const char *mountinfo, const char *dir, struct wf_err *err)
{
	char *copy = wf_xstrdup(mountinfo), *save = NULL;
	const char *found = NULL;
	size_t best = 0;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *field = line, *point = NULL;

		for (int i = 0; i < 5 && field; i++) {
			point = field;
			field = strchr(field, ' ');
			if (field)
				*field++ = '\0';
		}
		if (!field)
			continue;
		unescape(point);
		/* Of equal ones the last lies on top. */
		if (lies_below(dir, point) && strlen(point) >= best) {
			best = strlen(point);
			found = find_alone(field);
		}
	}
	if (found)
		wf_errf(err, WF_RESOURCE,
			"the file system of '%s' is mounted with '%s', so another host would not see its locks; "
			"choose a state directory elsewhere: WF_STATE_DIR", dir, found);
	free(copy);
	return found ? -1 : 0;
}
