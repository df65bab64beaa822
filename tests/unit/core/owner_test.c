/* Who owns a state directory: two that start at once, owners that are dead, on another host, of another boot, and the fence. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/core/engine.h"
#include "tests/tap/tap.h"

static char dir[] = "/tmp/wf-owner.XXXXXX";

static void begin(struct engine *e)
{
	memset(e, 0, sizeof(*e));
	e->os = wf_os_posix();
	e->state_dir = wf_xstrdup(dir);
	e->lock_fd = -1;
	e->opt.take_owner = 1;
}

static void end(struct engine *e)
{
	owner_release(e);
	free(e->state_dir);
}

/* What a process says of itself in the owner file, with one thing another. */
static void write_owner(const char *key, json_t *value, uint64_t epoch)
{
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "host", wf_host_name(), "boot_id", wf_host_boot_id(), "pid_ns",
			      (json_int_t)wf_host_pid_namespace(), "pid", (json_int_t)getpid(), "start_time",
			      (json_int_t)wf_pid_start_time(getpid()), "epoch", (json_int_t)epoch);
	char *path = wf_xasprintf("%s/owner", dir);

	if (key)
		json_object_set_new(o, key, value);
	if (json_dump_file(o, path, 0) < 0)
		bail("cannot write %s", path);
	json_decref(o);
	free(path);
}

static void clear(void)
{
	struct wf_err err;

	if (wf_dir_remove(wf_os_posix(), dir, &err) < 0 || wf_dir_make(wf_os_posix(), dir, 0700, &err) < 0)
		bail("%s", err.text);
}

static void test_first(void)
{
	struct engine e, second;
	struct wf_err err;

	begin(&e);
	is_int(owner_take(&e, &err), 0, "an empty directory is taken");
	is_int((int64_t)e.epoch, 1, "with the first epoch");
	is_int(owner_check(&e, &err), 0, "and is ours");
	begin(&second);
	is_int(owner_take(&second, &err), -1, "a second engine is refused while the first lives");
	is_int(err.code, WF_CONFLICT, "as a conflict");
	has_str(err.text, "an engine is running already (pid ", "that names it");
	end(&second);
	is_int(owner_check(&e, &err), 0, "the first is not disturbed");
	end(&e);
	begin(&second);
	is_int(owner_take(&second, &err), 0, "after it let go the next may");
	is_int((int64_t)second.epoch, 2, "with the next epoch");
	end(&second);
}

/* Children that try at once; each says by its exit code whether it won, and holds what it won until told. */
static void test_race(void)
{
	enum { CHILDREN = 8 };
	int go[2], stop[2], won[2], winners = 0;
	pid_t pids[CHILDREN];
	char c = 0;

	if (pipe(go) < 0 || pipe(stop) < 0 || pipe(won) < 0)
		bail("pipe");
	clear();
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct engine e;
			struct wf_err err;
			int rc;

			begin(&e);
			close(go[1]);
			close(stop[1]);
			if (read(go[0], &c, 1) < 0)
				_exit(3);
			rc = owner_take(&e, &err);
			c = rc == 0 ? 'w' : err.code == WF_CONFLICT ? 'l' : 'x';
			if (write(won[1], &c, 1) < 0 || read(stop[0], &c, 1) < 0)
				_exit(3);
			_exit(0);
		}
	}
	close(go[1]);
	for (int i = 0; i < CHILDREN; i++) {
		if (read(won[0], &c, 1) != 1)
			bail("a child said nothing");
		winners += c == 'w';
		if (c == 'x')
			diag("one was refused for another reason");
	}
	is_int(winners, 1, "of %d that start at once one wins", CHILDREN);
	close(stop[1]);
	for (int i = 0; i < CHILDREN; i++)
		waitpid(pids[i], NULL, 0);
	for (int i = 0; i < 2; i++)
		close(won[i]);
	close(go[0]);
	close(stop[0]);
}

static void test_killed(void)
{
	struct engine e;
	struct wf_err err;
	int said[2];
	uint64_t epoch;
	pid_t pid;
	char c;

	clear();
	if (pipe(said) < 0)
		bail("pipe");
	pid = fork();
	if (pid == 0) {
		begin(&e);
		c = owner_take(&e, &err) == 0 ? 'y' : 'n';
		if (write(said[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	if (read(said[0], &c, 1) != 1 || c != 'y')
		bail("the child does not own it");
	kill(pid, SIGKILL);
	/* Not reaped yet: dead all the same. */
	begin(&e);
	is_int(owner_take(&e, &err), 0, "a killed owner is followed at once");
	epoch = e.epoch;
	is_int((int64_t)epoch, 2, "with the next epoch");
	end(&e);
	waitpid(pid, NULL, 0);
	close(said[0]);
	close(said[1]);
}

static void test_others(void)
{
	struct engine e;
	struct wf_err err;

	clear();
	write_owner("host", json_string("elsewhere"), 7);
	begin(&e);
	is_int(owner_take(&e, &err), -1, "an owner on another host is not followed");
	is_int(err.code, WF_UNREACHABLE, "it cannot be asked from here");
	has_str(err.text, "'elsewhere'", "and is named");
	end(&e);
	write_owner("pid_ns", json_integer(1), 7);
	begin(&e);
	is_int(owner_take(&e, &err), -1, "nor one in another container");
	has_str(err.text, "another container", "which is said");
	end(&e);
	write_owner("boot_id", json_string("00000000-0000-0000-0000-000000000000"), 7);
	begin(&e);
	is_int(owner_take(&e, &err), 0, "one of another boot is dead, whatever its number is now");
	is_int((int64_t)e.epoch, 8, "and followed");
	end(&e);
	write_owner("pid", json_integer(1), 3);
	begin(&e);
	is_int(owner_take(&e, &err), 0, "who holds the lock no more is dead");
	is_int((int64_t)e.epoch, 9, "an epoch that was won once is not won again");
	end(&e);
}

static void test_damage(void)
{
	char *path = wf_xasprintf("%s/owner", dir);
	struct engine e;
	struct wf_err err;

	clear();
	if (wf_file_replace(wf_os_posix(), path, "{\"host\":", 8, 0600, &err) < 0)
		bail("%s", err.text);
	begin(&e);
	is_int(owner_take(&e, &err), -1, "a damaged owner file is nobody's leave to begin");
	is_int(err.code, WF_CORRUPT, "it is damage");
	has_str(err.text, "if no engine runs on any host, remove it", "with the cure");
	end(&e);
	free(path);
}

static void test_fence(void)
{
	char *path = wf_xasprintf("%s/owner", dir);
	struct engine e;
	struct wf_err err;

	clear();
	begin(&e);
	is_int(owner_take(&e, &err), 0, "taken");
	write_owner(NULL, NULL, e.epoch + 1);
	is_int(owner_check(&e, &err), -1, "another owner's file fences us");
	is_int(err.code, WF_CONFLICT, "as a conflict");
	unlink(path);
	is_int(owner_check(&e, &err), -1, "so does none");
	end(&e);
	free(path);
}

int main(void)
{
	struct wf_err err;

	if (!mkdtemp(dir))
		bail("no directory in /tmp");
	test_first();
	test_race();
	test_killed();
	test_others();
	test_damage();
	test_fence();
	if (wf_dir_remove(wf_os_posix(), dir, &err) < 0)
		bail("%s", err.text);
	return done_testing();
}
