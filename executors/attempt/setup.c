/* setup.c - owns the shell text around setup lines; knows nothing of processes. */
#include "executors/attempt/setup.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/os.h"

static int is_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(s[i] == '_' || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z') ||
		      (i && s[i] >= '0' && s[i] <= '9')))
			return 0;
	return n > 0;
}

static void quote(struct wf_buf *b, const char *s)
{
	wf_buf_char(b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			wf_buf_str(b, "'\\''");
		else
			wf_buf_char(b, *s);
	}
	wf_buf_char(b, '\'');
}

/* Names the shell will not let us set, or sets by itself for every shell. */
static int is_the_shells(const char *e, size_t n)
{
	static const char *const names[] = { "BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID", "SHLVL", "_", "PWD", "OLDPWD" };

	for (size_t i = 0; i < WF_COUNT(names); i++)
		if (strlen(names[i]) == n && memcmp(names[i], e, n) == 0)
			return 1;
	return 0;
}

void wf_setup_script(struct wf_buf *b, const char *setup, const char *const *env, int script_fd, int marker_fd)
{
	/* The profile was read by now: this is a login shell. */
	wf_buf_str(b, "set +eu\n");
	for (; env && *env; env++) {
		size_t n = strcspn(*env, "=");

		if (!(*env)[n] || !is_name(*env, n) || is_the_shells(*env, n))
			continue;
		wf_buf_str(b, "export ");
		wf_buf_add(b, *env, n + 1);
		quote(b, *env + n + 1);
		wf_buf_char(b, '\n');
	}
	wf_buf_str(b, "set -eo pipefail\n");
	wf_buf_str(b, setup);
	wf_buf_printf(b, "\nprintf . >&%d\nexec %d<&- %d>&-\nexec \"$@\"\n", marker_fd, script_fd, marker_fd);
}

int wf_setup_file(const struct wf_buf *script, struct wf_err *err)
{
	int fd = memfd_create("setup", MFD_CLOEXEC);

	if (fd < 0)
		return wf_err_sys(err, "make a place for the setup lines");
	if (wf_write_all(wf_os_posix(), fd, script->data, script->len, 0) < 0) {
		wf_err_sys(err, "write the setup lines");
		close(fd);
		return -1;
	}
	return fd;
}

int wf_setup_passed(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}
