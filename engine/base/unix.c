/* unix.c - owns binding and reaching unix sockets whatever the length of their path.
 *
 * sun_path holds 108 bytes; a state directory on a scratch file system is often longer. Opening the directory and going
 * through /proc/self/fd/N/name keeps the address short.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/os.h"

/* Fills addr; *dirfd must stay open until bind or connect returned. */
static int address(const char *path, struct sockaddr_un *addr, int *dirfd)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char *dir = slash ? wf_xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : wf_xstrdup(".");
	int n;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	*dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (*dirfd < 0)
		return -1;
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s", *dirfd, name);
	if (n < 0 || (size_t)n >= sizeof(addr->sun_path)) {
		close(*dirfd);
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int wf_unix_listen(const char *path, struct wf_err *err)
{
	struct sockaddr_un addr;
	int fd, dirfd, saved;
	mode_t old;

	if (address(path, &addr, &dirfd) < 0)
		return wf_err_sys(err, "cannot listen on '%s'", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		goto error;
	(void)WF_FAULT("unix.listen.before");
	unlink(path);
	old = umask(0177);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		umask(old);
		goto error;
	}
	umask(old);
	if (listen(fd, 1024) < 0)
		goto error;
	close(dirfd);
	return fd;
error:
	saved = errno;
	if (fd >= 0)
		close(fd);
	close(dirfd);
	errno = saved;
	return wf_err_sys(err, "cannot listen on '%s'", path);
}

int wf_unix_connect(const char *path, struct wf_err *err)
{
	struct sockaddr_un addr;
	int fd, dirfd;

	if (address(path, &addr, &dirfd) < 0) {
		wf_err_sys(err, "cannot reach '%s'", path);
		if (err)
			err->code = WF_UNREACHABLE;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		wf_err_sys(err, "cannot reach '%s'", path);
		if (err)
			err->code = WF_UNREACHABLE;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	close(dirfd);
	return fd;
}

int wf_unix_peer(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return -1;
	*uid = cred.uid;
	*pid = cred.pid;
	return 0;
}
