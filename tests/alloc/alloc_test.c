/* alloc_test.c - one allocation fails, at each place in turn: the engine goes on with a proper answer, or ends saying that memory is out and
 * is back with everything acknowledged
 *
 *     alloc_test             a sample of the places, as `make check` has the time for; WF_SEED chooses it
 *     alloc_test N           N places of each scenario, evenly spread; 0: every one (make check-alloc)
 *
 * What counts as right is in docs/design/008.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "tests/alloc/trial.h"
#include "tests/tap/tap.h"

enum { SAMPLE = 60, COMPLAINTS_MAX = 10 };

static char *root, *trial_dir, *said_path, *prepared[SCENARIOS];
static struct told *told;
static char said[16384];
static unsigned went_on, ended, refused, complaints;

/* ---- directories --------------------------------------------------------------------------------------------- */

static int copy_one(const char *name, void *arg);

struct copying {
	const char *from, *to;
};

/* A stopped engine's directory; what it makes again by itself stays behind. */
static void copy_dir(const char *from, const char *to)
{
	struct copying c = { from, to };
	struct wf_err err;

	if (wf_dir_make(wf_os_posix(), to, 0700, &err) < 0 || wf_os_posix()->ops->list(wf_os_posix()->self, from, copy_one, &c) < 0)
		bail("copy '%s': %s", from, err.text);
}

static int copy_one(const char *name, void *arg)
{
	const struct copying *c = arg;
	char *from = wf_xasprintf("%s/%s", c->from, name), *to = wf_xasprintf("%s/%s", c->to, name);
	struct wf_buf b = { 0 };
	struct stat st;
	struct wf_err err;

	if (lstat(from, &st) == 0 && S_ISDIR(st.st_mode))
		copy_dir(from, to);
	else if (S_ISREG(st.st_mode) && strcmp(name, "ballast") != 0 &&
		 (wf_file_read(wf_os_posix(), from, 1u << 30, &b, &err) < 0 ||
		  wf_file_replace(wf_os_posix(), to, wf_buf_cstr(&b), b.len, st.st_mode & 0777, &err) < 0))
		bail("%s", err.text);
	wf_buf_release(&b);
	free(from);
	free(to);
	return 0;
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

enum role { PREPARE, RUN, CHECK };

/* Its wait status; what it said on standard error is in `said`. */
static int play(enum role role, enum scenario s, const char *dir, uint64_t fail_at)
{
	pid_t pid;
	int status, fd;
	ssize_t n;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		fd = open(said_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 2);
		dup2(fd, 1);
		if (role == PREPARE)
			trial_prepare(s, dir);
		if (role == RUN)
			trial_run(s, dir, fail_at, told);
		trial_check(dir, told);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	fd = open(said_path, O_RDONLY | O_CLOEXEC);
	n = read(fd, said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	close(fd);
	return status;
}

static int complain(enum scenario s, uint64_t at, const char *what)
{
	if (complaints++ < COMPLAINTS_MAX) {
		diag("%s, allocation %llu: %s", scenario_names[s], (unsigned long long)at, what);
		diag("%.1500s", said);
	}
	return -1;
}

/* An answer is right, or says that something went wrong here; never that the client did. */
static int check_answers(enum scenario s, uint64_t at)
{
	char text[128];

	for (int i = 0; i < told->asked; i++) {
		int status = told->answers[i].status, wanted = told->answers[i].wanted;

		if (status == 0 || status >= 500 || status == wanted || (status / 100 == 2 && wanted / 100 == 2))
			continue;
		/* A verb whose first try was carried out and not answered. */
		if (status == 409 && wanted / 100 == 2)
			continue;
		snprintf(text, sizeof(text), "%s was answered with %d", told->answers[i].what, status);
		return complain(s, at, text);
	}
	return 0;
}

static int trial(enum scenario s, uint64_t at)
{
	char text[64];
	int status, code;

	wf_dir_remove(wf_os_posix(), trial_dir, NULL);
	memset(told, 0, sizeof(*told));
	if (prepared[s]) {
		copy_dir(prepared[s], trial_dir);
		strcpy(told->acked[told->acked_count++], "two");
		told->paused = s == API;
	} else {
		wf_dir_make(wf_os_posix(), trial_dir, 0700, NULL);
	}
	status = play(RUN, s, trial_dir, at);
	code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	went_on += code == 0;
	ended += code == 70;
	refused += code == 10;
	if (code != 0 && code != 70 && code != 10) {
		snprintf(text, sizeof(text), "ended with status %d, signal %d", code, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		return complain(s, at, text);
	}
	if (code == 70 && !strstr(said, "out of memory"))
		return complain(s, at, "ended with 70 and did not say why");
	if (code == 10 && !strstr(said, "cannot start: "))
		return complain(s, at, "did not start and did not say why");
	if (check_answers(s, at) < 0)
		return -1;
	if (play(CHECK, s, trial_dir, 0) != 0)
		return complain(s, at, "afterwards not all is as it was acknowledged");
	return 0;
}

/* ---- the sweep --------------------------------------------------------------------------------------------------------- */

static uint64_t random_of(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static void sweep(enum scenario s, uint64_t sample, uint64_t *seed)
{
	uint64_t places, step, bad = 0, tried = 0;

	if (trial(s, 0) < 0)
		bail("%s fails with all memory there is", scenario_names[s]);
	places = told->count;
	for (int i = 0; i < told->asked; i++)
		ok(told->answers[i].status == told->answers[i].wanted, "%s: %s is answered with %d", scenario_names[s], told->answers[i].what,
		   told->answers[i].status);
	went_on = ended = refused = 0;
	step = !sample || places < sample ? 1 : places / sample;
	for (uint64_t at = 1; at <= places; at += step) {
		bad += trial(s, step > 1 ? at + random_of(seed) % step : at) < 0;
		tried++;
	}
	is_int(bad, 0, "%s: %llu of %llu allocations fail: %u times it went on, %u times it ended and came back, %u times it did not start",
	       scenario_names[s], (unsigned long long)tried, (unsigned long long)places, went_on, ended, refused);
}

int main(int argc, char **argv)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", *given = getenv("WF_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	uint64_t sample = argc > 1 ? strtoull(argv[1], NULL, 10) : SAMPLE;

	root = wf_xasprintf("%s/wf-alloc.XXXXXX", tmp);
	if (!mkdtemp(root))
		bail("no temporary directory");
	trial_dir = wf_xasprintf("%s/state", root);
	said_path = wf_xasprintf("%s/said", root);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	signal(SIGPIPE, SIG_IGN);
	diag("WF_SEED=%llu", (unsigned long long)seed);
	for (enum scenario s = 0; s < SCENARIOS; s++) {
		if (s != SUBMIT) {
			prepared[s] = wf_xasprintf("%s/%s", root, scenario_names[s]);
			wf_dir_make(wf_os_posix(), prepared[s], 0700, NULL);
			if (play(PREPARE, s, prepared[s], 0) != 0)
				bail("cannot prepare '%s': %s", scenario_names[s], said);
		}
		sweep(s, sample, &seed);
	}
	wf_dir_remove(wf_os_posix(), root, NULL);
	return done_testing();
}
