/* The parts of an attempt that need no process: environment, setup script, verdict, freshness, output files. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executors/attempt/env.h"
#include "executors/attempt/fresh.h"
#include "executors/attempt/limits.h"
#include "executors/attempt/output.h"
#include "executors/attempt/setup.h"
#include "executors/attempt/verdict.h"
#include "tests/tap/tap.h"

static char dir[] = "/tmp/wf-attempt-XXXXXX";

static void test_env(void)
{
	static const char *const base[] = { "A=1", "B=2", "nonsense", "AB=3", NULL };
	static const char *const more[] = { "B=20", "C=30", NULL }, *const extra[] = { "C=300", NULL };
	const char **env = wf_attempt_env(base, more, extra);
	size_t n = 0;

	while (env[n])
		n++;
	is_int(n, 4, "each name once, no entry that is no variable");
	is_str(wf_attempt_env_get(env, "A"), "1", "the base");
	is_str(wf_attempt_env_get(env, "B"), "20", "more hides the base");
	is_str(wf_attempt_env_get(env, "C"), "300", "extra hides both");
	is_str(wf_attempt_env_get(env, "AB"), "3", "a longer name is another name");
	ok(!wf_attempt_env_get(env, "nonsense"), "what is not there is NULL");
	free(env);
	env = wf_attempt_env(NULL, NULL, NULL);
	ok(env && !env[0], "an empty environment");
	free(env);
}

static void test_setup(void)
{
	static const char *const env[] = { "A=it's", "1BAD=x", "BASH_FUNC_f%%=() { :; }", "SHLVL=3", "UID=7", NULL };
	struct wf_buf b = { 0 };

	wf_setup_script(&b, "module load x", env, 4, 5);
	is_str(b.data, "set +eu\nexport A='it'\\''s'\nset -eo pipefail\nmodule load x\nprintf . >&5\nexec 4<&- 5>&-\nexec \"$@\"\n",
	       "names the shell cannot set are left out, values are quoted");
	wf_buf_release(&b);
}

static int wait_status(int exit, int sig)
{
	return sig ? sig : exit << 8;
}

static void verdict_is(struct wf_verdict_in in, enum wf_class class, int exit, const char *about)
{
	struct wf_buf reason = { 0 };
	struct wf_verdict v = wf_attempt_verdict(&in, &reason);

	ok(v.class == class && v.exit == exit, "%s: %s, %d (%s)", about, wf_class_name(v.class), v.exit, wf_buf_cstr(&reason));
	ok(!strchr(wf_buf_cstr(&reason), '\n') && (class == WF_CLASS_OK) == (reason.len == 0), "one line for a person when it failed");
	wf_buf_release(&reason);
}

static void test_verdict(void)
{
	static const int32_t codes[] = { 3, 4 };

	verdict_is((struct wf_verdict_in){ .status = wait_status(0, 0) }, WF_CLASS_OK, 0, "exit 0");
	verdict_is((struct wf_verdict_in){ .status = wait_status(4, 0), .success_codes = codes, .success_count = 2 }, WF_CLASS_OK, 4,
		   "a success code");
	verdict_is((struct wf_verdict_in){ .status = wait_status(0, 0), .success_codes = codes, .success_count = 2 }, WF_CLASS_EXIT, 0,
		   "exit 0 when it is none of them");
	verdict_is((struct wf_verdict_in){ .status = wait_status(0, SIGSEGV) }, WF_CLASS_SIGNAL, SIGSEGV, "a signal");
	verdict_is((struct wf_verdict_in){ .status = wait_status(0, 40) }, WF_CLASS_SIGNAL, 40, "one without a name");
	verdict_is((struct wf_verdict_in){ .status = wait_status(0, SIGTERM), .stopped = WF_STOPPED_TIMEOUT, .timeout_ms = 1500 },
		   WF_CLASS_TIMEOUT, 128 + SIGTERM, "what we did comes first");
	verdict_is((struct wf_verdict_in){ .status = wait_status(0, 0), .stopped = WF_STOPPED_CANCEL }, WF_CLASS_CANCELED, 0,
		   "also when the exit code says success");
	verdict_is((struct wf_verdict_in){ .status = wait_status(137, 0), .out_of_memory = 1 }, WF_CLASS_OUT_OF_MEMORY, 137,
		   "a shell whose child was killed for memory");
	verdict_is((struct wf_verdict_in){ .status = wait_status(1, 0), .out_of_memory = 1 }, WF_CLASS_EXIT, 1,
		   "another kill for memory on the host is not ours");
	verdict_is((struct wf_verdict_in){ .status = wait_status(0, 0), .setup = 1 }, WF_CLASS_SETUP_FAILED, 0, "setup not passed");
	verdict_is((struct wf_verdict_in){ .status = wait_status(2, 0), .setup = 1, .setup_passed = 1 }, WF_CLASS_EXIT, 2,
		   "setup passed, command failed");
}

static void test_fresh(void)
{
	struct wf_os *os = wf_os_posix();
	char path[300];
	const char *outputs[] = { path, NULL };
	struct wf_fresh *f;
	int64_t now = wf_os_wall_ms(os);
	size_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/file", dir);
	is_str(wf_fresh_missing(os, outputs), path, "a missing input is named");
	f = wf_fresh_before(os, outputs, &n);
	ok(n == 1 && !f->existed && !f->network, "not there before");
	is_int(wf_fresh_after(os, f, now, 0), WF_FRESH_ABSENT, "not there after, on a local file system");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	is_int(wf_fresh_after(os, f, now + 100000, 0), WF_FRESH_WRITTEN, "what was not there before was written");
	wf_fresh_release(f, n);
	ok(!wf_fresh_missing(os, outputs), "an input that is there");

	f = wf_fresh_before(os, outputs, &n);
	is_int(wf_fresh_after(os, f, now + 100000, 0), WF_FRESH_STALE, "the same as before");
	is_int(wf_fresh_after(os, f, now + 1000, 0), WF_FRESH_WRITTEN, "younger than 2 s before the beginning");
	is_int(wf_fresh_after(os, f, now + 100000, 1), WF_FRESH_WRITTEN, "`update`");
	ok(write(fd, "x", 1) == 1, "written");
	is_int(wf_fresh_after(os, f, now + 100000, 0), WF_FRESH_WRITTEN, "another size");
	wf_fresh_release(f, n);
	close(fd);
	ok(!wf_fresh_before(os, NULL, &n) && n == 0, "no outputs");
}

static void test_output(void)
{
	struct wf_os *os = wf_os_posix();
	struct wf_logdir_cache c = { .os = os };
	struct wf_key key = { .run = 1, .instance = 1, .index = 1, .attempt = 1 }, other = { .run = 1, .instance = 1, .index = 2, .attempt = 1 };
	struct wf_logdir *d, *again;
	struct wf_log_ref ref;
	struct wf_err err = { 0 };
	struct wf_buf path = { 0 };
	struct stat st;
	char log[300], user[300];
	int fd, second, named;

	snprintf(log, sizeof(log), "%s/log", dir);
	d = wf_logdir_get(&c, log);
	again = wf_logdir_get(&c, log);
	ok(d == again, "a directory is opened once");
	wf_logdir_put(&c, again);
	fd = wf_output_open(&c, d, &key, WF_OUTPUT_OUT, &named, &err);
	ok(fd >= 0, "an output file; the directory is made");
	wf_output_path(&path, log, &key, WF_OUTPUT_OUT);
	ok(named == (stat(path.data, &st) == 0), "it has a name only if it says so");
	ok(write(fd, "hello\n", 6) == 6, "something is written");
	wf_output_settle(&c, d, &key, WF_OUTPUT_OUT, fd, named, 1, &ref);
	ok(ref.where == WF_LOG_PACK && ref.offset == 0 && ref.length == 6, "it goes into the pack");
	second = wf_output_open(&c, d, &other, WF_OUTPUT_OUT, &named, &err);
	ok(fstat(second, &st) == 0 && st.st_size == 0, "the next one begins empty");
	if (!named) {
		is_int(second, fd, "in the same file");
		ok(wf_output_name(&c, d, &other, WF_OUTPUT_OUT, second) == 0, "that can be given a name");
		named = 1;
	}
	wf_buf_clear(&path);
	wf_output_path(&path, log, &other, WF_OUTPUT_OUT);
	ok(stat(path.data, &st) == 0, "and is found by it");
	ok(write(second, "again\n", 6) == 6, "something is written");
	wf_output_settle(&c, d, &other, WF_OUTPUT_OUT, second, named, 1, &ref);
	ok(ref.where == WF_LOG_PACK && ref.offset == 6, "behind the first in the pack");
	ok(stat(path.data, &st) == 0, "a named file stays until it is removed");
	wf_output_remove(&c, d, &other, WF_OUTPUT_OUT);
	ok(stat(path.data, &st) < 0, "and goes then");

	snprintf(user, sizeof(user), "%s/a/b/c", dir);
	fd = wf_output_open_user(&c, user, 027, &err);
	ok(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0640, "a user's path, with the task's umask");
	close(fd);
	snprintf(user, sizeof(user), "%s/fifo", dir);
	mkfifo(user, 0600);
	ok(wf_output_open_user(&c, user, 0, &err) < 0, "a fifo that nobody reads does not hang: %s", err.text);
	wf_logdir_put(&c, d);
	wf_logdir_flush(&c);
	ok(!c.first, "nothing is left open");
	wf_buf_release(&path);
}

static struct rlimit set_to(const struct wf_attempt_limits *l, int resource)
{
	struct rlimit now;

	for (size_t i = 0; i < l->set_count; i++)
		if (l->set[i].resource == resource)
			return l->set[i].value;
	getrlimit((__rlimit_resource_t)resource, &now);
	return now;
}

static void test_limits(void)
{
	struct rlimit files = { 300, 400 }, core = { 10, 20 };
	struct wf_attempt_limits l;
	struct wf_err err;

	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &core);
	wf_attempt_limits_init(&l);
	getrlimit(RLIMIT_NOFILE, &files);
	is_int((int64_t)files.rlim_cur, 400, "an agent raises its own limit");
	is_int(wf_attempt_limits(&l, NULL, &err), 0, "nothing asked for");
	files = set_to(&l, RLIMIT_NOFILE);
	ok(files.rlim_cur == 300 && files.rlim_max == 400, "an attempt gets what the agent was started with");
	is_int(wf_attempt_limits(&l, "nofile=77:350 core=5:unlimited", &err), 0, "some asked for");
	files = set_to(&l, RLIMIT_NOFILE);
	core = set_to(&l, RLIMIT_CORE);
	ok(files.rlim_cur == 77 && files.rlim_max == 350, "lower ones are given");
	ok(core.rlim_cur == 5 && core.rlim_max == 20, "none above the agent's");
	is_int(wf_attempt_limits(&l, "nofile=nonsense", &err), -1, "nonsense is refused");
	is_int(wf_attempt_limits(&l, "nofile=1000:unlimited", &err), 0, "more than there is");
	files = set_to(&l, RLIMIT_NOFILE);
	core = set_to(&l, RLIMIT_CORE);
	ok(files.rlim_cur == 400 && files.rlim_max == 400, "is as much as there is");
	ok(core.rlim_cur == 10 && core.rlim_max == 20, "and what is not asked for is as it was");
	wf_attempt_limits_release(&l);
}

int main(void)
{
	struct wf_err err;

	if (!mkdtemp(dir))
		bail("mkdtemp");
	test_env();
	test_setup();
	test_verdict();
	test_fresh();
	test_output();
	test_limits();
	wf_dir_remove(wf_os_posix(), dir, &err);
	return done_testing();
}
