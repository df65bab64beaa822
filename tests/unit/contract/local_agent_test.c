/* What only an agent with real processes can be asked: nothing leaked, output kept, outputs fresh, death survived. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "engine/link/output.h"
#include "tests/contract/peer.h"
#include "tests/tap/tap.h"

static const char *const env[] = { "PATH=/usr/bin:/bin", "HOME=/nonexistent", "BASE=base", "BOTH=base", NULL };
static const char *const agent_argv[] = { "wf-agent-local", NULL };
static char dir[300], log_dir[300], work[300];
static struct program agent;
static struct peer peer;
static uint64_t number;            /* of the last start */

/* ---- starting ------------------------------------------------------------------------------------------ */

static struct wf_start base_start(const char *const *argv)
{
	static char tokens[64][64];
	char *token = tokens[++number % 64];

	snprintf(token, sizeof(tokens[0]), "test%d/task/%d/1", (int)getpid(), (int)number);
	return (struct wf_start){ .number = number, .key = { .run = 1, .instance = 7, .index = (uint32_t)number, .attempt = 1 },
				  .name = "t", .argv = argv, .env = env, .log_dir = log_dir, .cwd = work, .token = token,
				  .grace_ms = 3000, .output_limit = 1 << 30, .cores = 1000, .umask_bits = 027 };
}

static const struct said *run(const struct wf_start *s)
{
	peer_start(&peer, s, 1);
	return peer_wait(&peer, WF_WIRE_ENDED, s->number);
}

/* A shell line; `shell_start` gives the START to change before `run`. */
static struct wf_start shell_start(const char *line)
{
	static const char *argv[64][4];
	const char **a = argv[number % 64];

	a[0] = "/bin/bash";
	a[1] = "-c";
	a[2] = line;
	a[3] = NULL;
	return base_start(a);
}

static const struct said *shell(const char *line)
{
	struct wf_start s = shell_start(line);

	return run(&s);
}

static char *output_of(const struct said *e)
{
	struct wf_output o = { .log_dir = log_dir, .key = e->key, .stream = WF_OUTPUT_OUT, .ref = &e->out };
	struct wf_buf b = { 0 };
	struct wf_err err = { 0 };

	if (wf_output_read(wf_os_posix(), &o, 0, 1 << 20, &b, NULL, &err) < 0)
		bail("%s", err.text);
	return wf_buf_take(&b);
}

/* How many processes have this text in their command line, zombies not counted. */
static int count_processes(const char *needle)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		char path[300], text[4096];
		ssize_t got;
		int fd;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		fd = open(path, O_RDONLY);
		got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			close(fd);
		for (ssize_t i = 0; i < got; i++)
			if (!text[i])
				text[i] = ' ';
		if (got > 0) {
			text[got] = '\0';
			n += strstr(text, needle) != NULL;
		}
	}
	if (d)
		closedir(d);
	return n;
}

static void wait_processes(const char *needle, int want)
{
	for (int i = 0; i < 3000; i++) {
		if (count_processes(needle) == want)
			return;
		usleep(5000);
	}
	bail("%d processes '%s' instead of %d", count_processes(needle), needle, want);
}

static void restart(void)
{
	program_start(&agent, dir, agent_argv);
	peer_open(&peer, agent.socket, 1);
}

static void reopen(void)
{
	peer_close(&peer);
	peer_open(&peer, agent.socket, 1);
	peer_reattach(&peer, NULL, 0);
}

/* ---- processes ----------------------------------------------------------------------------------------- */

static void test_groups(void)
{
	const struct said *e;
	struct wf_start s;
	char text[64];

	s = shell_start("/bin/sleep 7001.1 & /bin/sleep 7001.1 & trap : TERM; /bin/sleep 7001.1; exit 0");
	peer_start(&peer, &s, 1);
	wait_processes("sleep 7001.1", 4);
	peer_cancel(&peer, s.number, 3000);
	e = peer_wait(&peer, WF_WIRE_ENDED, s.number);
	is_int(e->class, WF_CLASS_CANCELED, "a canceled attempt is canceled, whatever its exit code");
	is_int(count_processes("sleep 7001.1"), 0, "cancel ends the whole process group before it is reported");

	s = shell_start("trap '' TERM; while :; do /bin/sleep 7002.1; done");
	peer_start(&peer, &s, 1);
	wait_processes("sleep 7002.1", 2);
	peer_cancel(&peer, s.number, 200);
	e = peer_wait(&peer, WF_WIRE_ENDED, s.number);
	ok(e->class == WF_CLASS_CANCELED && e->exit == 128 + SIGKILL, "who ignores TERM is killed after the grace");
	is_int(count_processes("sleep 7002.1"), 0, "and nothing of it is left");

	s = shell_start("kill -STOP $$; exit 0");
	peer_start(&peer, &s, 1);
	peer_wait(&peer, WF_WIRE_RUNNING, s.number);
	peer_cancel(&peer, s.number, 20000);
	ok(peer_wait(&peer, WF_WIRE_ENDED, s.number)->class == WF_CLASS_CANCELED, "a stopped process is canceled too");

	e = shell("/bin/sleep 7003.1 & exit 0");
	ok(e->class == WF_CLASS_OK && count_processes("sleep 7003.1") == 0, "a process left in the background is ended with its attempt");
	e = shell("/usr/bin/setsid /bin/sleep 7004.1 & exit 4");
	ok(e->class == WF_CLASS_EXIT && e->exit == 4 && count_processes("sleep 7004.1") == 0, "one that left the session too");
	e = shell("(/usr/bin/setsid /bin/sh -c '/bin/sleep 7005.1 & /bin/sleep 7005.1' &) & exit 0");
	ok(e->class == WF_CLASS_OK && count_processes("sleep 7005.1") == 0, "and one that forked twice");
	s = shell_start("(trap '' TERM; /bin/sleep 7006.1; exec /bin/sleep 7006.1) & exit 0");
	s.grace_ms = 200;
	e = run(&s);
	ok(e->class == WF_CLASS_OK && count_processes("sleep 7006.1") == 0, "what ignores TERM there is killed after the grace");

	s = shell_start("/bin/sleep 7007.1");
	s.timeout_ms = 150;
	e = run(&s);
	ok(e->class == WF_CLASS_TIMEOUT && e->ended_ms - e->started_ms >= 140, "time-out: %s", e->text);
	s = shell_start("/usr/bin/setsid /bin/sleep 7008.1 & exec 9>&1; /bin/sleep 7008.1");
	s.timeout_ms = 150;
	e = run(&s);
	ok(e->class == WF_CLASS_TIMEOUT && count_processes("sleep 7008.1") == 0, "a time-out leaves nothing either");

	s = shell_start("exit 3");
	s.success_codes = (const int32_t[]){ 0, 3 };
	s.success_count = 2;
	e = run(&s);
	ok(e->class == WF_CLASS_OK && e->exit == 3, "a code of success_codes is success");
	snprintf(text, sizeof(text), "%d", (int)agent.pid);
	e = shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; dd if=/dev/zero of=big bs=64k count=16 conv=fsync 2>/dev/null");
	ok(e->usage.cpu_us > 10000 && e->usage.max_rss_kib > 500, "usage: %llu us of CPU, %llu KiB",
	   (unsigned long long)e->usage.cpu_us, (unsigned long long)e->usage.max_rss_kib);
	ok(e->usage.write_bytes >= 1 << 20, "and %llu bytes written", (unsigned long long)e->usage.write_bytes);
}

static void test_launch(void)
{
	static const char *const absent[] = { "no-such-command", NULL }, *const denied[] = { "/etc/passwd", NULL };
	static const char *script_argv[] = { NULL, "x y", NULL };
	static const char *const more[] = { "BOTH=more", "MORE=more", NULL };
	struct wf_start s;
	const struct said *e;
	struct wf_err err;
	char path[400], *out;
	struct rlimit files;
	FILE *f;

	s = base_start(absent);
	e = run(&s);
	ok(e->class == WF_CLASS_EXIT && e->exit == 127, "no such command: %s", e->text);
	s = base_start(denied);
	e = run(&s);
	ok(e->class == WF_CLASS_EXIT && e->exit == 126, "not executable: %s", e->text);
	snprintf(path, sizeof(path), "%s/script", work);
	f = fopen(path, "w");
	fputs("echo \"got $1\"\n", f);
	fclose(f);
	chmod(path, 0755);
	script_argv[0] = path;
	s = base_start(script_argv);
	e = run(&s);
	out = output_of(e);
	is_str(out, "got x y\n", "a script without an interpreter line is run by sh");
	free(out);

	s = shell_start("pwd; umask; ulimit -n; echo $BASE $BOTH $MORE; echo $WF_TOKEN; ls /proc/self/fd | tr '\\n' ' '; echo; "
			"cat /proc/self/status | grep -E 'SigBlk|SigIgn'; ps -o sid= -p $$ | tr -d ' '; echo $$");
	s.env_more = more;
	snprintf(path, sizeof(path), "%s/deep/er", work);
	s.cwd = path;
	e = run(&s);
	out = output_of(e);
	has_str(out, "/deep/er\n0027\n", "its directory is made; its umask is set");
	has_str(out, "base more more\n", "the environment: later wins");
	has_str(out, s.token, "the token is there");
	has_str(out, "\n0 1 2 3 \n", "no descriptor of ours is inherited (3 is the reader's own)");
	has_str(out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", "no signal is blocked or ignored");
	free(out);
	s = shell_start("ulimit -Sn; ulimit -Sc; ulimit -Hc");
	s.limits = "nofile=177:unlimited core=0:0";
	e = run(&s);
	out = output_of(e);
	is_str(out, "177\n0\n0\n", "it has the submitter's limits");
	free(out);
	s = shell_start("ulimit -Sn");
	e = run(&s);
	out = output_of(e);
	getrlimit(RLIMIT_NOFILE, &files);
	is_int(atoll(out), (int64_t)files.rlim_cur, "without them those that the agent was started with");
	free(out);
	s = shell_start("true");
	s.limits = "nonsense";
	e = run(&s);
	ok(e->class == WF_CLASS_LAUNCH_FAILED, "limits that cannot be read: %s", e->text);
	s = shell_start("true");
	s.cwd = "/proc/nope/x";
	e = run(&s);
	ok(e->class == WF_CLASS_LAUNCH_FAILED, "a directory that cannot be made: %s", e->text);
	s = shell_start("true");
	snprintf(path, sizeof(path), "%s/gone", work);
	s.cwd = path;
	ok(run(&s)->class == WF_CLASS_OK, "a new directory");
	wf_dir_remove(wf_os_posix(), path, &err);
	s = shell_start("true");
	s.cwd = path;
	ok(run(&s)->class == WF_CLASS_OK, "and again after somebody removed it");
}

static void test_setup(void)
{
	struct wf_start s;
	const struct said *e;
	char *out;

	s = shell_start("echo $FROM_SETUP; echo $PATH; echo $BASE; ls /proc/self/fd | tr '\\n' ' '");
	s.setup = "export FROM_SETUP='it is here'\nfalse || true\n";
	e = run(&s);
	out = output_of(e);
	ok(e->class == WF_CLASS_OK, "setup lines, then the command: %s", e->text ? e->text : "");
	has_str(out, "it is here\n/usr/bin:/bin\nbase\n0 1 2 3 ", "with their environment, after ours was restored");
	free(out);
	s = shell_start("echo never");
	s.setup = "echo before\nfalse\necho after";
	e = run(&s);
	out = output_of(e);
	ok(e->class == WF_CLASS_SETUP_FAILED, "a failing line: %s", e->text);
	is_str(out, "before\n", "ends it there");
	free(out);
	s = shell_start("exit 5");
	s.setup = "true";
	e = run(&s);
	ok(e->class == WF_CLASS_EXIT && e->exit == 5, "a command that fails after setup is not setup_failed");
	s = shell_start("true");
	s.setup = "exit 0";
	ok(run(&s)->class == WF_CLASS_SETUP_FAILED, "setup that exits never reached the command");
}

/* ---- output -------------------------------------------------------------------------------------------- */

static unsigned files_below(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d))) {
		char sub[800];

		if (e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR)
			n += files_below(sub);
		else
			n += strcmp(e->d_name, "pack") != 0;
	}
	if (d)
		closedir(d);
	return n;
}

static void test_output(void)
{
	struct wf_start s;
	const struct said *e;
	char path[400], err_path[400], *out;
	struct wf_buf b = { 0 };
	struct wf_err err;
	struct wf_output live;

	peer_ack_all(&peer);
	peer_settle(&peer);
	e = shell("true");
	is_int(e->out.where, WF_LOG_NONE, "no output");
	e = shell("echo out; echo err >&2; echo out");
	ok(e->out.where == WF_LOG_PACK && e->out.length == 12, "small output goes into the pack");
	out = output_of(e);
	is_str(out, "out\nerr\nout\n", "both streams in one, in order");
	free(out);
	e = shell("echo second");
	out = output_of(e);
	is_str(out, "second\n", "each attempt has its own place in it");
	free(out);
	e = shell("head -c 100000 /dev/zero | tr '\\0' x");
	ok(e->out.where == WF_LOG_FILE && e->out.length == 100000, "large output stays a file");
	out = output_of(e);
	is_int(strlen(out), 100000, "that can be read");
	free(out);
	is_int(files_below(log_dir), 1, "and is the only one there");

	s = shell_start("echo first; /bin/sleep 0.6; echo last");
	peer_start(&peer, &s, 1);
	peer_wait(&peer, WF_WIRE_RUNNING, s.number);
	live = (struct wf_output){ .log_dir = log_dir, .key = s.key };
	for (int i = 0; i < 2000 && !b.len; i++) {
		usleep(1000);
		wf_output_read(wf_os_posix(), &live, 0, 100, &b, NULL, &err);
	}
	is_str(wf_buf_cstr(&b), "first\n", "output can be read while it is written");
	e = peer_wait(&peer, WF_WIRE_ENDED, s.number);
	out = output_of(e);
	is_str(out, "first\nlast\n", "and afterwards from the pack");
	free(out);
	is_int(files_below(log_dir), 2, "its file waits for the acknowledgement");
	peer_ack_all(&peer);
	peer_settle(&peer);
	is_int(files_below(log_dir), 1, "and goes then");
	wf_buf_release(&b);

	s = shell_start("echo out; echo err >&2");
	snprintf(path, sizeof(path), "%s/o/u/t", work);
	snprintf(err_path, sizeof(err_path), "%s/e", work);
	s.stdout_path = path;
	s.stderr_path = err_path;
	e = run(&s);
	ok(e->out.where == WF_LOG_USER && e->out.length == 4 && e->err.where == WF_LOG_USER && e->err.length == 4,
	   "a step's own files, directories made");
	ok(wf_file_read(wf_os_posix(), err_path, 100, &b, &err) == 0 && strcmp(b.data, "err\n") == 0, "each stream in its own");
	wf_buf_release(&b);
	s = shell_start("echo out; echo err >&2");
	s.stdout_path = path;
	e = run(&s);
	ok(e->out.length == 8 && e->err.where == WF_LOG_NONE, "stderr goes with stdout when it has no path");

	s = shell_start("while :; do head -c 100000 /dev/zero; done");
	s.output_limit = 4 << 20;
	e = run(&s);
	ok(e->class == WF_CLASS_OUTPUT_LIMIT, "too much output ends it: %s", e->text);
	peer_ack_all(&peer);
	peer_settle(&peer);
}

/* ---- inputs, outputs, results -------------------------------------------------------------------------- */

static void touch_old(const char *path)
{
	struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		bail("%s", path);
	close(fd);
	utimensat(AT_FDCWD, path, old, 0);
}

static void test_files(void)
{
	char in[400], out[400], out_dir[400], inside[500];
	const char *const inputs[] = { "/etc/passwd", in, NULL }, *const outputs[] = { out, NULL }, *const dirs[] = { out_dir, NULL };
	struct wf_start s;
	const struct said *e;

	snprintf(in, sizeof(in), "%s/in", work);
	snprintf(out, sizeof(out), "%s/the-output", work);
	snprintf(out_dir, sizeof(out_dir), "%s/out-dir", work);
	snprintf(inside, sizeof(inside), "%s/file", out_dir);
	s = shell_start("echo ran");
	s.inputs = inputs;
	e = run(&s);
	ok(e->class == WF_CLASS_INPUT_MISSING && e->started_ms == 0, "an input that is not there: %s", e->text);
	has_str(e->text, in, "is named");
	ok(!peer_heard(&peer, WF_WIRE_RUNNING, s.number), "and nothing was started");
	touch_old(in);
	s = shell_start("true");
	s.inputs = inputs;
	ok(run(&s)->class == WF_CLASS_OK, "inputs that are there");

	s = shell_start("true");
	s.outputs = outputs;
	e = run(&s);
	ok(e->class == WF_CLASS_OUTPUT_MISSING, "an output that is not there: %s", e->text);
	has_str(e->text, "the-output", "is named");
	s = shell_start("echo x > the-output");
	s.outputs = outputs;
	ok(run(&s)->class == WF_CLASS_OK, "one that was written");

	/* The rule of 2 s: what was there 3 s before must have changed. The ctime cannot be set back, so the task is said to have begun later. */
	touch_old(out);
	s = shell_start("true");
	s.outputs = outputs;
	s.first_started_ms = wf_os_wall_ms(wf_os_posix()) + 10000;
	e = run(&s);
	ok(e->class == WF_CLASS_OUTPUT_MISSING, "one that was there before and was not written: %s", e->text);
	s = shell_start("true");
	s.outputs = outputs;
	s.first_started_ms = wf_os_wall_ms(wf_os_posix()) + 10000;
	s.update = 1;
	ok(run(&s)->class == WF_CLASS_OK, "`update` asks only that it is there");
	s = shell_start("touch -d 2001-01-01 the-output");
	s.outputs = outputs;
	s.first_started_ms = wf_os_wall_ms(wf_os_posix()) + 10000;
	ok(run(&s)->class == WF_CLASS_OK, "a changed time counts, even an old one");
	s = shell_start("true");
	s.outputs = outputs;
	ok(run(&s)->class == WF_CLASS_OK, "one younger than 2 s before the task began counts");

	mkdir(out_dir, 0700);
	touch_old(inside);
	s = shell_start("true");
	s.outputs = dirs;
	s.first_started_ms = wf_os_wall_ms(wf_os_posix()) + 10000;
	ok(run(&s)->class == WF_CLASS_OUTPUT_MISSING, "a directory in which nothing changed");
	s = shell_start("touch out-dir/new");
	s.outputs = dirs;
	s.first_started_ms = wf_os_wall_ms(wf_os_posix()) + 10000;
	ok(run(&s)->class == WF_CLASS_OK, "a directory with a new entry");
	s = shell_start("exit 2");
	s.outputs = outputs;
	is_int(run(&s)->class, WF_CLASS_EXIT, "a command that failed is judged by that");
}

static void test_results(void)
{
	char path[400];
	struct wf_start s;
	const struct said *e;
	struct wf_err err;

	snprintf(path, sizeof(path), "%s/results/r", work);
	s = shell_start("echo '{\"a\": [1, 2]}' > $WF_RESULT");
	s.result_path = path;
	e = run(&s);
	ok(e->class == WF_CLASS_OK && e->result && strcmp(e->result, "{\"a\": [1, 2]}\n") == 0, "a result comes with the ending");
	peer_ack_all(&peer);
	peer_settle(&peer);
	ok(!wf_file_exists(wf_os_posix(), path), "its file goes when the ending is acknowledged");
	wf_file_replace(wf_os_posix(), path, "{\"old\":1}", 9, 0600, &err);
	s = shell_start("true");
	s.result_path = path;
	e = run(&s);
	ok(e->class == WF_CLASS_OK && !e->result, "one of an earlier attempt is not taken for it");
	s = shell_start("true");
	s.result_path = path;
	s.results_needed = 1;
	e = run(&s);
	ok(e->class == WF_CLASS_OUTPUT_MISSING, "a promised one that is not written: %s", e->text);
	s = shell_start("echo '[1]' > $WF_RESULT");
	s.result_path = path;
	s.results_needed = 1;
	e = run(&s);
	ok(e->class == WF_CLASS_OUTPUT_MISSING, "one that is no object: %s", e->text);
	s = shell_start("echo '{\"a\":1}}' > $WF_RESULT");
	s.result_path = path;
	e = run(&s);
	ok(e->class == WF_CLASS_OK && !e->result && e->text, "a bad one nobody was promised is ignored and said so: %s", e->text);
	s = shell_start("(printf '{\"a\":\"'; head -c 70000 /dev/zero | tr '\\0' x; printf '\"}') > $WF_RESULT");
	s.result_path = path;
	s.results_needed = 1;
	e = run(&s);
	ok(e->class == WF_CLASS_OUTPUT_MISSING, "one that is too large: %s", e->text);
	s = shell_start("(printf '{\"a\":\"'; head -c 60000 /dev/zero | tr '\\0' x; printf '\"}') > $WF_RESULT");
	s.result_path = path;
	s.results_needed = 1;
	e = run(&s);
	ok(e->class == WF_CLASS_OK && strlen(e->result) == 60008, "one of 60,008 bytes is not");
}

/* ---- members ------------------------------------------------------------------------------------------- */

static void test_member(void)
{
	struct wf_start s = shell_start("[ $WF_CONTROL_FD = 3 ] || exit 9; echo '{\"event\":\"launched\"}' >&3; echo 'no json' >&3;"
					"echo '{\"event\":\"ready\",\"view\":1}' >&3; read a <&3; echo \"$a\" >&2;"
					"echo '{\"op_id\":5,\"outcome\":\"ok\",\"result\":{}}' >&3; read b <&3;"
					"echo '{\"event\":\"stopped\"}' >&3; exit 0");
	const struct said *r;
	char *out;

	s.key.kind = WF_KIND_MEMBER;
	s.control = 1;
	peer_start(&peer, &s, 1);
	peer_wait(&peer, WF_WIRE_RUNNING, s.number);
	for (int i = 0; i < 2000 && peer_count(&peer, WF_WIRE_SIGNAL, s.number) < 2; i++)
		usleep(1000);
	ok(peer_count(&peer, WF_WIRE_SIGNAL, s.number) == 2, "events of a member are signals, other lines are ignored");
	peer_ack_all(&peer);
	peer_settle(&peer);

	peer_close(&peer);
	peer_open(&peer, agent.socket, 1);
	peer_reattach(&peer, &(struct wf_attempt_ref){ .number = s.number }, 1);
	r = peer_wait(&peer, WF_WIRE_SIGNAL, s.number);
	ok(r->cursor == 0 && strstr(r->text, "ready"), "the last one is said again to an engine that comes back");

	peer_call(&peer, s.number, 5, "health", "{\"x\":1}");
	r = peer_wait(&peer, WF_WIRE_RESULT, 5);
	ok(strcmp(r->text, "ok") == 0 && strstr(r->result, "\"op_id\":5"), "a call is answered by the member");
	peer_call(&peer, s.number, 5, "health", "{}");
	for (int i = 0; i < 2000 && peer_count(&peer, WF_WIRE_RESULT, 5) < 2; i++)
		usleep(1000);
	is_int(peer_count(&peer, WF_WIRE_RESULT, 5), 2, "asked again, the same answer");
	peer_call(&peer, s.number, 6, "stop", NULL);
	r = peer_wait(&peer, WF_WIRE_RESULT, 6);
	is_str(r->text, "unknown", "an operation the member ends without answering is unknown");
	r = peer_wait(&peer, WF_WIRE_ENDED, s.number);
	is_int(r->class, WF_CLASS_OK, "a member that stopped");
	out = output_of(r);
	is_str(out, "{\"op_id\":5,\"op\":\"health\",\"args\":{\"x\":1},\"deadline_ms\":10000}\n", "it was told in one line");
	free(out);
	ok(peer_count(&peer, WF_WIRE_SIGNAL, s.number) == 2, "its last words arrived");
	peer_call(&peer, s.number, 7, "stop", NULL);
	is_str(peer_wait(&peer, WF_WIRE_RESULT, 7)->text, "rejected", "nobody is there to be called any more");
	peer_ack_all(&peer);
	peer_settle(&peer);
}

/* ---- deaths -------------------------------------------------------------------------------------------- */

static void test_agent_killed(void)
{
	struct wf_start s[4];
	struct wf_attempt_ref refs[5];
	char instance[64];
	const struct said *l;
	size_t unended;

	snprintf(instance, sizeof(instance), "%s", peer.instance);
	s[0] = shell_start("/bin/sleep 7101.1 & /bin/sleep 7101.1; :");
	s[1] = shell_start("/usr/bin/setsid /bin/sleep 7101.1 & /bin/sleep 7101.1; :");
	s[2] = shell_start("env -i /bin/sleep 7101.1 & /bin/sleep 7101.1; :");
	s[3] = shell_start("echo done");
	peer_start(&peer, s, 4);
	wait_processes("/bin/sleep 7101.1", 9); /* three shells name it in their command line */
	l = peer_wait(&peer, WF_WIRE_ENDED, s[3].number);
	unended = l->cursor;
	peer_settle(&peer);
	program_end(&agent, SIGKILL);
	peer_wait_closed(&peer);
	peer_close(&peer);
	restart();
	is_int(count_processes("sleep 7101.1"), 0, "after the agent was killed, the next one leaves nothing of its attempts");
	is_str(peer.instance, instance, "it has the same memory");
	is_int(peer.mark, number, "and the same mark");
	for (int i = 0; i < 4; i++)
		refs[i] = (struct wf_attempt_ref){ .number = s[i].number, .key = s[i].key };
	refs[4].number = number + 1;
	peer_reattach(&peer, refs, 5);
	for (int i = 0; i < 3; i++) {
		l = peer_wait(&peer, WF_WIRE_LOST, s[i].number);
		ok(l->why == WF_LOST_AGENT && l->cursor > 0, "an attempt of the dead agent is lost, proven dead: %s", l->text);
	}
	l = peer_wait(&peer, WF_WIRE_ENDED, s[3].number);
	ok(l->cursor == unended && l->class == WF_CLASS_OK, "one that had ended is told with its end");
	is_int(peer_wait(&peer, WF_WIRE_LOST, number + 1)->why, WF_LOST_NEVER, "one that never came is told so");
	number++;
	peer_ack_all(&peer);
	peer_settle(&peer);
	ok(shell("true")->class == WF_CLASS_OK, "and it starts new ones");
	peer_ack_all(&peer);
	peer_settle(&peer);
}

static void test_journal_torn(void)
{
	struct wf_start s = shell_start("echo kept");
	char path[400];
	int fd;

	run(&s);
	program_end(&agent, SIGKILL);
	peer_close(&peer);
	snprintf(path, sizeof(path), "%s/journal", dir);
	fd = open(path, O_WRONLY | O_APPEND);
	ok(fd >= 0 && write(fd, "\30\0\0\0abcdefgh", 12) == 12, "half a record at the end of the journal");
	close(fd);
	restart();
	peer_reattach(&peer, NULL, 0);
	is_int(peer_wait(&peer, WF_WIRE_ENDED, s.number)->class, WF_CLASS_OK, "costs nothing that was whole");
	peer_ack_all(&peer);
	peer_settle(&peer);
}

/* The header's boot id is changed in the file, with its sum, as if the host had been booted since. */
static void test_reboot(void)
{
	struct wf_start s = shell_start("/bin/sleep 7201.1");
	struct wf_buf b = { 0 };
	struct wf_err err;
	char path[400], *at;
	uint32_t n, crc;

	peer_start(&peer, &s, 1);
	peer_wait(&peer, WF_WIRE_RUNNING, s.number);
	peer_settle(&peer);
	program_end(&agent, SIGKILL);
	peer_close(&peer);
	snprintf(path, sizeof(path), "%s/journal", dir);
	if (wf_file_read(wf_os_posix(), path, 1 << 30, &b, &err) < 0)
		bail("%s", err.text);
	at = memmem(b.data, b.len, wf_host_boot_id(), 36);
	if (!at)
		bail("no boot id in the journal");
	*at = *at == '0' ? '1' : '0';
	at = b.data + strlen("wf-agent-journal 1\n");
	memcpy(&n, at, 4);
	crc = wf_crc32c(0, at + 8, n);
	memcpy(at + 4, &crc, 4);
	wf_file_replace(wf_os_posix(), path, b.data, b.len, 0600, &err);
	wf_buf_release(&b);
	restart();
	peer_reattach(&peer, NULL, 0);
	has_str(peer_wait(&peer, WF_WIRE_LOST, s.number)->text, "booted", "everything of an earlier boot is lost");
	peer_ack_all(&peer);
	peer_settle(&peer);
}

static void test_engine_stopped(void)
{
	static const char *const yes[] = { "/bin/true", NULL };
	struct wf_start s[500];

	for (size_t i = 0; i < WF_COUNT(s); i++) {
		s[i] = base_start(yes);
		s[i].token = "t";
	}
	peer_start(&peer, s, WF_COUNT(s));
	/* Nobody reads; the agent is seen to be done by the processor time it no longer uses being asked of itself. */
	for (int i = 0; i < 5000; i++) {
		struct peer other;
		uint64_t mark;

		peer_open(&other, agent.socket, 0); /* a lower epoch: hello comes before the refusal */
		mark = other.mark;
		peer_close(&other);
		if (mark == number)
			break;
		usleep(1000);
	}
	peer_wait_count(&peer, WF_WIRE_ENDED, WF_COUNT(s));
	ok(1, "an engine that does not read blocks nothing");
	peer_ack_all(&peer);
	peer_settle(&peer);
}

/* Longer than the agent's look around the house, which must not take one that waits for somebody's leftover. */
static void test_long_wait(void)
{
	struct wf_start s = shell_start("/bin/sleep 2.6"), next = shell_start("echo next");

	next.places = 1;
	peer_start(&peer, &s, 1);
	peer_start(&peer, &next, 1);
	is_int(peer_wait(&peer, WF_WIRE_ENDED, next.number)->class, WF_CLASS_OK, "a start waits for its place as long as it takes");
	is_int(peer_count(&peer, WF_WIRE_LOST, next.number), 0, "and is not lost meanwhile");
	peer_ack_all(&peer);
	peer_settle(&peer);
}

static void test_told_to_end(void)
{
	struct wf_start s = shell_start("/bin/sleep 7301.1 & /bin/sleep 7301.1");
	const struct said *e;

	peer_start(&peer, &s, 1);
	wait_processes("/bin/sleep 7301.1", 3);
	kill(agent.pid, SIGTERM);
	e = peer_wait(&peer, WF_WIRE_ENDED, s.number);
	ok(e->class == WF_CLASS_AGENT_LOST, "an agent told to end ends its tasks: %s", e->text);
	is_int(program_wait(&agent), 0, "and leaves");
	is_int(count_processes("sleep 7301.1"), 0, "nothing behind");
	peer_close(&peer);
}

static void test_leaving(void)
{
	struct program second;
	struct wf_start s;
	struct wf_err err;
	int64_t began;

	setenv("WF_AGENT_LINGER_MS", "0", 1);
	restart(); /* which an agent in a hurry does not survive */
	peer_reattach(&peer, NULL, 0);
	program_start(&second, dir, agent_argv);
	is_int(WEXITSTATUS(program_wait(&second)), 6, "a second agent in the same directory refuses to start");
	s = shell_start("/bin/sleep 0.5");
	peer_start(&peer, &s, 1);
	peer_wait(&peer, WF_WIRE_RUNNING, s.number);
	began = wf_os_mono_ms(wf_os_posix());
	peer_close(&peer);
	is_int(program_wait(&agent), 0, "without an engine, an idle agent leaves");
	ok(wf_os_mono_ms(wf_os_posix()) - began >= 450, "but not before its last task has ended");
	restart();
	peer_reattach(&peer, NULL, 0);
	is_int(peer_wait(&peer, WF_WIRE_ENDED, s.number)->class, WF_CLASS_OK, "the next agent knows how it ended");
	s = shell_start("/bin/sleep 7401.1");
	peer_start(&peer, &s, 1);
	peer_wait(&peer, WF_WIRE_RUNNING, s.number);
	wf_dir_remove(wf_os_posix(), dir, &err);
	program_start(&second, dir, agent_argv);
	is_int(program_wait(&agent), 0, "an agent whose directory is gone leaves");
	is_int(count_processes("sleep 7401.1"), 0, "with its tasks");
	peer_close(&peer);
	peer_open(&peer, second.socket, 99);
	ok(1, "and without the socket of another that has the directory's name now");
	kill(second.pid, SIGTERM);
	peer_close(&peer);
	is_int(program_wait(&second), 0, "which leaves when it is told to");
	unsetenv("WF_AGENT_LINGER_MS");
}

static char full[300];

static void unmount_full(void)
{
	umount2(full, MNT_DETACH);
}

/* A file system of its own that can be filled; needs the right to mount. */
static void test_full_disk(void)
{
	enum { N = 40 };
	struct wf_start s[N];
	static char filler[400];
	char buf[4096] = { 0 };
	int fd, refused = 0, ended = 0;

	snprintf(full, sizeof(full), "%s/full", test_dir());
	mkdir(full, 0700);
	if (mount("tmpfs", full, "tmpfs", 0, "size=2m") < 0) {
		ok(1, "# SKIP full disk: cannot mount");
		return;
	}
	atexit(unmount_full);
	snprintf(dir, sizeof(dir), "%s/full/agent", test_dir());
	snprintf(filler, sizeof(filler), "%s/filler", full);
	restart();
	peer_reattach(&peer, NULL, 0);
	number = 0;
	for (int i = 0; i < N; i++)
		s[i] = shell_start("/bin/sleep 1");
	peer_start(&peer, s, N);
	peer_wait_count(&peer, WF_WIRE_RUNNING, N);
	fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, buf, sizeof(buf)) > 0 || (ftruncate(fd, lseek(fd, 0, SEEK_END)) < 0))
		;
	while (write(fd, buf, 1) == 1)
		;
	for (uint64_t i = 1; i <= N; i++)
		ended += peer_wait(&peer, WF_WIRE_ENDED, i)->class == WF_CLASS_OK;
	is_int(ended, N, "a disk that fills up loses no ending");
	program_end(&agent, SIGKILL);
	peer_close(&peer);
	restart();
	peer_reattach(&peer, NULL, 0);
	peer_wait_count(&peer, WF_WIRE_ENDED, N);
	ok(1, "and every one of them was written");
	/* What room the journal has left takes some starts; then they are refused, and nothing is lost. */
	for (int i = 0; i < 2000 && !refused; i++) {
		struct wf_start more = shell_start("true");

		peer_start(&peer, &more, 1);
		peer_settle(&peer);
		refused = peer_heard(&peer, WF_WIRE_REJECTED, more.number) != NULL;
	}
	ok(refused, "on a full disk new starts are refused");
	close(fd);
	unlink(filler);
	ok(shell("true")->class == WF_CLASS_OK, "and taken again when there is room");
	program_end(&agent, SIGTERM);
	peer_close(&peer);
	unmount_full();
}

int main(void)
{
	snprintf(dir, sizeof(dir), "%s/agent", test_dir());
	snprintf(log_dir, sizeof(log_dir), "%s/log", test_dir());
	snprintf(work, sizeof(work), "%s/work", test_dir());
	mkdir(log_dir, 0700);
	restart();
	peer_reattach(&peer, NULL, 0);
	test_groups();
	test_launch();
	test_setup();
	test_output();
	test_files();
	test_results();
	test_member();
	test_agent_killed();
	test_journal_torn();
	test_reboot();
	test_engine_stopped();
	reopen();
	test_long_wait();
	test_told_to_end();
	test_leaving();
	test_full_disk();
	return done_testing();
}
