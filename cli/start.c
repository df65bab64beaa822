/* start.c - owns starting the engine; that there is only ever one is the engine's own promise, kept in the state directory.
 *
 * Two commands may come here at once. Both start an engine; one of the engines wins the directory, the other says who did and ends. So an
 * engine that did not start is no failure as long as somebody serves: we try to connect for as long as the winner is alive.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/where.h"
#include "engine/base/os.h"

enum { SERVE_MS = 10000, LOOK_MS = 20 };

extern char **environ;

const char *beside_us(const char *program)
{
	static char *path;

	free(path);
	path = wf_xasprintf("%s/%s", wf_path_bin(), program);
	return path;
}

static int serves(const char *state_dir)
{
	char *path = wf_xasprintf("%s/socket", state_dir);
	int fd = wf_unix_connect(path, NULL);

	free(path);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* What it says while it starts: what it is about to do goes on to stderr at once, the last word that is its own stays
 * in `to`. */
static void listen_to(int fd, char *to, size_t size)
{
	static const char name[] = "wf-engine: ";
	FILE *f = fdopen(fd, "r");
	char line[1024];

	to[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		const char *p = line;

		line[strcspn(line, "\n")] = '\0';
		while (strncmp(p, name, sizeof(name) - 1) == 0)
			p += sizeof(name) - 1;
		if (p == line)
			fprintf(stderr, "wf: %s\n", line);
		else
			snprintf(to, size, "%.500s", p);
	}
	if (f)
		fclose(f);
}

/* The code whose exit code this is; the first of those that share one. */
static enum wf_code code_of_exit(int ex)
{
	for (int i = 1; i < WF_CODE_COUNT; i++)
		if (wf_code_exit((enum wf_code)i) == ex)
			return ex == wf_code_exit(WF_RESOURCE) ? WF_RESOURCE : (enum wf_code)i;
	return WF_UNREACHABLE;
}

/* Run `wf-engine --state-dir DIR`, which returns as soon as it serves. */
static int launch(const char *state_dir, int takeover, struct wf_err *err)
{
	const char *program = beside_us("wf-engine");
	const char *argv[] = { "wf-engine", "--state-dir", state_dir, takeover ? "--takeover" : NULL, NULL };
	int ends[2], null, status = 0, fds[3];
	struct wf_spawn sp = { .path = program, .argv = (char *const *)argv, .env = environ,
			       .fds = fds, .fd_count = 3, .new_session = 1, .umask_set = (mode_t)-1 };
	char said[512];
	pid_t pid;

	if (access(program, X_OK) < 0)
		return wf_errf(err, WF_UNREACHABLE, "cannot start the engine: '%s' is missing; install or build it", program);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		wf_err_sys(err, "cannot start the engine");
		if (null >= 0)
			close(null);
		return -1;
	}
	fds[0] = fds[1] = null;
	fds[2] = ends[1];
	pid = wf_os_spawn(wf_os_posix(), &sp, err);
	close(ends[1]);
	close(null);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}
	listen_to(ends[0], said, sizeof(said));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return wf_errf(err, WF_UNREACHABLE, "the engine died of signal %d while starting%s%s", WTERMSIG(status),
			       *said ? ": " : "", said);
	return wf_errf(err, code_of_exit(WEXITSTATUS(status)), "the engine did not start: %s",
		       *said ? said : "it did not say why; see the log in the state directory");
}

static int elsewhere(const char *state_dir, const struct owner *o, struct wf_err *err)
{
	return wf_errf(err, WF_UNREACHABLE, "the engine of '%s' runs on host '%s' (pid %d); use wf there, or stop it there first",
		       state_dir, o->host, (int)o->pid);
}

/* The winner may be another command's engine: wait as long as one is alive that may come to serve. */
static int wait_served(const char *state_dir, int launched, struct wf_err *err)
{
	struct wf_os *os = wf_os_posix();
	int64_t deadline = wf_os_mono_ms(os) + SERVE_MS;
	struct owner owner;
	enum owner_is is;

	while (!serves(state_dir)) {
		is = where_owner(state_dir, &owner);
		if (is == OWNER_ELSEWHERE)
			return elsewhere(state_dir, &owner, err);
		if (is != OWNER_HERE && launched < 0)
			return -1;
		if (wf_os_mono_ms(os) > deadline)
			return launched < 0 ? -1 :
					      wf_errf(err, WF_UNREACHABLE, "the engine started in '%s' but does not serve; see `wf doctor`",
						      state_dir);
		pause_ms(LOOK_MS);
	}
	return 0;
}

int engine_start(const char *state_dir, struct wf_err *err)
{
	struct owner owner;
	enum owner_is is = where_owner(state_dir, &owner);

	if (serves(state_dir))
		return 0;
	if (is == OWNER_ELSEWHERE)
		return elsewhere(state_dir, &owner, err);
	return wait_served(state_dir, launch(state_dir, 0, err), err);
}

int engine_takeover(const char *state_dir, struct wf_err *err)
{
	return launch(state_dir, 1, err) < 0 ? -1 : wait_served(state_dir, 0, err);
}
