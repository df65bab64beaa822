/* body.c - what the tasks and services of the kill sweep are: it writes down that it starts and that it ends, and nothing else.
 *
 *     body plain | retry | list | gate | hang | serve
 *
 * retry fails in its first attempt; list leaves a result for a fan-out; gate waits for the file `go`; hang waits to be ended; serve is a service's
 * command, ready when the file `up` is in $WF_SERVICE_DIR. The ledger gets lines in one write each, O_APPEND:
 *     start|end|twice|unreachable|serve|served WF_TOKEN NAME ATTEMPT PID
 * `twice`: another process of this task (or service) lives, which the kernel says: each holds a lock as long as it lives.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static const char *name_of(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : "-";
}

static void note(const char *what, const char *name)
{
	char line[512];
	int fd = open("ledger", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int n = snprintf(line, sizeof(line), "%s %s %s %s %d\n", what, name_of("WF_TOKEN"), name, name_of("WF_ATTEMPT"), (int)getpid());

	if (fd < 0 || write(fd, line, (size_t)n) != n)
		_exit(97);
	close(fd);
}

static void hold_lock(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "locks/%s", name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		_exit(98);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		note("twice", name);
}

static void pause_ms(long ms)
{
	struct timespec t = { 0, ms * 1000000 };

	nanosleep(&t, NULL);
}

/* A consumer's service said where it is: it must be up now. */
static void look_for(const char *variable, const char *name)
{
	const char *dir = getenv(variable);
	char path[512];

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/up", dir);
	if (access(path, F_OK) < 0)
		note("unreachable", name);
}

static int serve(void)
{
	const char *name = name_of("WF_SERVICE_NAME");
	char path[512];
	sigset_t set;
	int fd, sig;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	hold_lock(name);
	note("serve", name);
	snprintf(path, sizeof(path), "%s/up", name_of("WF_SERVICE_DIR"));
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return 1;
	sigwait(&set, &sig);
	note("served", name);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "plain", *name = name_of("WF_TASK_ID");

	if (strcmp(what, "serve") == 0)
		return serve();
	hold_lock(name);
	note("start", name);
	look_for("ONE_DIR", name);
	look_for("TWO_DIR", name);
	while (strcmp(what, "hang") == 0)
		pause_ms(500);
	while (strcmp(what, "gate") == 0 && access("go", F_OK) < 0)
		pause_ms(2);
	if (strcmp(what, "list") == 0) {
		int fd = open(name_of("WF_RESULT"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		const char text[] = "{\"cases\": [1, 2, 3, 4, 5]}";

		if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
			return 96;
	}
	note("end", name);
	return strcmp(what, "retry") == 0 && strcmp(name_of("WF_ATTEMPT"), "1") == 0 ? 3 : 0;
}
