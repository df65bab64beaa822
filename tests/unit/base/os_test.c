/* os_test.c - files that survive, paths, process start, sockets of any length. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "tests/tap/tap.h"

static char dir[] = "/tmp/wf-os-test.XXXXXX";

static char *in_dir(const char *name)
{
	return wf_xasprintf("%s/%s", dir, name);
}

static void files(struct wf_os *os)
{
	char *path = in_dir("file"), *fifo = in_dir("fifo"), *deep = in_dir("a/b/c");
	struct wf_buf b = { 0 };
	struct wf_err err;
	struct stat st;

	ok(wf_file_publish(os, path, "hello", 5, 0600, &err) == 0, "a file is published");
	ok(wf_file_publish(os, path, "again", 5, 0600, &err) == 0, "and replaced");
	ok(wf_file_read(os, path, 100, &b, &err) == 0 && strcmp(b.data, "again") == 0, "it reads back");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "with its mode");
	is_int(wf_file_read(os, path, 4, &b, &err), -1, "larger than the limit is refused");
	is_int(err.code, WF_TOO_LARGE, "as too large");
	is_str(b.data, "again", "and what was there is untouched");
	mkfifo(fifo, 0600);
	is_int(wf_file_read(os, fifo, 100, &b, &err), -1, "a fifo does not hang");
	is_int(wf_file_read(os, dir, 100, &b, &err), -1, "a directory is no file");
	has_str(err.text, "is a directory", "and the error says so");
	ok(wf_dir_make(os, deep, 0700, &err) == 0 && wf_dir_make(os, deep, 0700, &err) == 0, "directories are made, twice");
	is_int(wf_dir_make(os, path, 0700, &err), -1, "a file in the way is an error");
	ok(wf_dir_remove(os, deep, &err) == 0 && !wf_file_exists(os, deep) && wf_dir_remove(os, deep, &err) == 0,
	   "removal is safe to repeat");
	wf_buf_release(&b);
	free(path);
	free(fifo);
	free(deep);
}

static void paths(void)
{
	static const char *const cases[][3] = {
		{ "/a/b", "c", "/a/b/c" },     { "/a/b", "../c", "/a/c" },   { "/a/b", "/x//y/./z", "/x/y/z" },
		{ "/a", "../../..", "/" },     { "/a", ".", "/a" },          { "/", "x", "/x" },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		char *s = wf_path_resolve(cases[i][0], cases[i][1]);

		is_str(s, cases[i][2], "'%s' seen from '%s'", cases[i][1], cases[i][0]);
		free(s);
	}
}

static int status_of(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Ended, and nobody waited for it. */
static void unreaped(void)
{
	siginfo_t info;
	pid_t pid = fork();
	uint64_t start;

	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	start = wf_pid_start_time(pid);
	ok(start > 0, "a process that nobody waited for still has its start time");
	ok(!wf_pid_lives(pid, start), "but lives no more");
	waitpid(pid, NULL, 0);
}

static void processes(struct wf_os *os)
{
	char *out = in_dir("out");
	char *env[] = { (char *)(uintptr_t)"PATH=/usr/bin:/bin", (char *)(uintptr_t)"X=1", NULL };
	char *argv[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c",
			 (char *)(uintptr_t)"echo $X; pwd; umask; ls /proc/self/fd | wc -l; ps -o sid= -p $$ | tr -d ' '; echo $$", NULL };
	int fd = open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int fds[3] = { -1, fd, fd };
	struct wf_spawn sp = { .path = "sh", .argv = argv, .env = env, .cwd = "/", .fds = fds, .fd_count = 3, .new_session = 1,
			       .die_with_parent = 1, .umask_set = 027 };
	struct wf_buf b = { 0 };
	struct wf_err err;
	char *lines[6];
	pid_t pid = wf_os_spawn(os, &sp, &err);

	ok(pid > 0 && status_of(pid) == 0, "a process starts and ends well");
	wf_file_read(os, out, 4096, &b, &err);
	for (int i = 0; i < 6; i++)
		lines[i] = strtok(i ? NULL : b.data, "\n");
	is_str(lines[0], "1", "it has its environment");
	is_str(lines[1], "/", "its directory");
	is_str(lines[2], "0027", "its umask");
	ok(lines[3] && atoi(lines[3]) <= 4, "and no descriptor of ours");
	ok(lines[4] && lines[5] && strcmp(lines[4], lines[5]) == 0, "in a session of its own");
	sp.path = "no-such-program";
	is_int(wf_os_spawn(os, &sp, &err), -1, "an absent program is an error at once");
	is_int(err.code, WF_NOT_FOUND, "not found");
	sp.path = "sh";
	sp.cwd = "/no/such/dir";
	is_int(wf_os_spawn(os, &sp, &err), -1, "so is an absent directory");
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "and neither leaves a child behind");
	ok(wf_pid_start_time(getpid()) > 0, "a process has a start time");
	ok(wf_pid_lives(getpid(), wf_pid_start_time(getpid())), "it lives");
	ok(!wf_pid_lives(getpid(), 1), "one of another start does not");
	unreaped();
	close(fd);
	wf_buf_release(&b);
	free(out);
}

static void limits(struct wf_os *os)
{
	static const char *const bad[] = { "x", "nofile", "nofile=1", "nofile=1:", "nofile=:1", "nofile=2:1", "nofile=-1:1", "nofile=1:2x", "nofiles=1:2",
					   "nofile=1:2 nofile=1:2", "nofile=unlimited:3", "nofile=99999999999999999999999:unlimited", " =1:1" };
	struct wf_limit own[WF_LIMITS], l[WF_LIMITS];
	struct wf_buf a = { 0 }, b = { 0 };
	struct wf_err err;
	char *out = in_dir("limits");
	char *env[] = { (char *)(uintptr_t)"PATH=/usr/bin:/bin", NULL };
	char *argv[] = { (char *)(uintptr_t)"bash", (char *)(uintptr_t)"-c", (char *)(uintptr_t)"ulimit -Sn; ulimit -Hn; ulimit -c", NULL };
	int fd = open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int fds[3] = { -1, fd, fd }, n;
	struct wf_spawn sp = { .path = "bash", .argv = argv, .env = env, .fds = fds, .fd_count = 3, .umask_set = (mode_t)-1, .limits = l };

	n = (int)wf_limits_own(own);
	wf_limits_text(own, (size_t)n, &a);
	is_int(n, WF_LIMITS, "a process has its limits");
	is_int(wf_limits_parse(wf_buf_cstr(&a), l, &err), n, "which are read back from their text");
	wf_limits_text(l, (size_t)n, &b);
	is_str(wf_buf_cstr(&b), wf_buf_cstr(&a), "as they were");
	is_int(wf_limits_parse("", l, &err), 0, "none is none");
	for (size_t i = 0; i < WF_COUNT(bad); i++)
		ok(wf_limits_parse(bad[i], l, &err) < 0 && err.code == WF_INVALID, "'%s' is none: %s", bad[i], err.text);
	wf_buf_release(&b);
	sp.limit_count = (size_t)wf_limits_parse("nofile=77:88 core=0:unlimited", l, &err);
	is_int((int64_t)sp.limit_count, 2, "two limits");
	ok(status_of(wf_os_spawn(os, &sp, &err)) == 0, "a process starts with them");
	wf_file_read(os, out, 4096, &b, &err);
	is_str(wf_buf_cstr(&b), "77\n88\n0\n", "and has them");
	wf_buf_release(&a);
	wf_buf_release(&b);
	close(fd);
	free(out);
}

static void sockets(void)
{
	char longer[160], *parent, *path;
	struct wf_err err;
	int listener, a, b;
	uid_t uid;
	pid_t pid;

	memset(longer, 'd', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	parent = in_dir(longer);
	mkdir(parent, 0700);
	path = wf_xasprintf("%s/socket", parent);
	is_int(wf_unix_connect(path, &err), -1, "nobody listens yet");
	is_int(err.code, WF_UNREACHABLE, "unreachable");
	listener = wf_unix_listen(path, &err);
	ok(listener >= 0, "a socket may have a path of %zu bytes", strlen(path));
	a = wf_unix_connect(path, &err);
	b = accept(listener, NULL, NULL);
	ok(a >= 0 && b >= 0, "and is reached");
	ok(wf_unix_peer(b, &uid, &pid) == 0 && uid == getuid() && pid == getpid(), "the kernel says who it is");
	close(a);
	close(b);
	close(listener);
	free(path);
	free(parent);
}

int main(void)
{
	struct wf_os *os = wf_os_posix();
	struct wf_err err;

	if (!mkdtemp(dir))
		bail("no temporary directory");
	files(os);
	paths();
	processes(os);
	limits(os);
	sockets();
	wf_dir_remove(os, dir, &err);
	return done_testing();
}
