/* where_test.c - which state directory is meant, and what its owner file says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/where.h"
#include "engine/base/os.h"
#include "tests/tap/tap.h"

static char dir[] = "/tmp/wf-where.XXXXXX";

static void put(const char *name, const char *text)
{
	struct wf_err err;
	char *path = wf_xasprintf("%s/%s", dir, name);

	if (wf_file_replace(wf_os_posix(), path, text, strlen(text), 0600, &err) < 0)
		bail("%s", err.text);
	free(path);
}

static void owner_is(const char *text, enum owner_is want, const char *name)
{
	struct owner o;

	put("owner", text);
	is_int(where_owner(dir, &o), want, "%s", name);
}

static void owners(void)
{
	struct owner o;
	char text[512], zero[] = "00000000-0000-4000-8000-000000000000";

	is_int(where_owner(dir, &o), OWNER_NONE, "no file");
	snprintf(text, sizeof(text), "{\"host\": \"%s\", \"boot_id\": \"%s\", \"pid_ns\": %llu, \"pid\": %d, \"start_time\": %llu, \"epoch\": 3}",
		 wf_host_name(), wf_host_boot_id(), (unsigned long long)wf_host_pid_namespace(), (int)getpid(),
		 (unsigned long long)wf_pid_start_time(getpid()));
	owner_is(text, OWNER_HERE, "this very process");
	where_owner(dir, &o);
	is_int(o.epoch, 3, "its epoch");
	snprintf(text, sizeof(text), "{\"host\": \"%s\", \"boot_id\": \"%s\", \"pid\": %d, \"start_time\": 1}", wf_host_name(),
		 wf_host_boot_id(), (int)getpid());
	owner_is(text, OWNER_DEAD, "a process of that number that began at another time");
	snprintf(text, sizeof(text), "{\"host\": \"%s\", \"boot_id\": \"%s\", \"pid\": %d}", wf_host_name(), zero, (int)getpid());
	owner_is(text, OWNER_DEAD, "of an earlier boot");
	snprintf(text, sizeof(text), "{\"host\": \"login2\", \"boot_id\": \"%s\", \"pid\": 1}", zero);
	owner_is(text, OWNER_ELSEWHERE, "another host");
	snprintf(text, sizeof(text), "{\"host\": \"other-name\", \"boot_id\": \"%s\", \"pid\": %d, \"start_time\": 0}", wf_host_boot_id(),
		 (int)getpid());
	owner_is(text, OWNER_HERE, "one kernel under another name is this host");
	snprintf(text, sizeof(text), "{\"host\": \"%s\", \"boot_id\": \"%s\", \"pid_ns\": 1, \"pid\": 999999, \"start_time\": 1}", wf_host_name(),
		 wf_host_boot_id());
	owner_is(text, OWNER_HERE, "a process namespace that we cannot see into: not proven dead");
	owner_is("", OWNER_UNREADABLE, "an empty file");
	owner_is("[]", OWNER_UNREADABLE, "not an object");
	owner_is("{\"host\": 5, \"pid\": 1}", OWNER_UNREADABLE, "a host that is a number");
	owner_is("{\"host\": \"x\", \"pid\": 0}", OWNER_UNREADABLE, "no process");
}

static void clusters(void)
{
	char *path = wf_xasprintf("%s/slurm.conf", dir), *name;

	put("slurm.conf", "#ClusterName=no\nSlurmctldHost=x\n  CLUSTERNAME = alps # ours\n");
	name = where_cluster(path);
	is_str(name, "alps", "the cluster's name");
	free(name);
	put("slurm.conf", "ClusterName=../../etc\n");
	name = where_cluster(path);
	ok(!name, "one that is a path is none");
	put("slurm.conf", "SlurmctldHost=x\n");
	ok(!where_cluster(path), "none");
	ok(!where_cluster(NULL), "no file");
	free(path);
}

static void choices(void)
{
	struct wf_err err;
	char *got, *path;

	setenv("WF_STATE_DIR", "/a/./b/../c", 1);
	got = where_state_dir(&err);
	is_str(got, "/a/c", "WF_STATE_DIR, resolved by text");
	free(got);
	setenv("WF_STATE_DIR", "", 1);
	setenv("SLURM_CONF", "/nonexistent", 1);
	setenv("XDG_STATE_HOME", "/x", 1);
	got = where_state_dir(&err);
	has_str(got, "/x/wf/", "XDG_STATE_HOME");
	free(got);
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/h", 1);
	got = where_state_dir(&err);
	has_str(got, "/h/.local/state/wf/", "the home directory");
	free(got);
	path = wf_xasprintf("%s/slurm.conf", dir);
	put("slurm.conf", "ClusterName=alps\n");
	setenv("SLURM_CONF", path, 1);
	got = where_state_dir(&err);
	is_str(got, "/h/.local/state/wf/alps", "the cluster instead of the host");
	free(got);
	free(path);
}

static void rights(void)
{
	struct wf_err err;
	char *link = wf_xasprintf("%s.link", dir);

	is_int(where_check(dir, &err), 0, "a directory of our own");
	chmod(dir, 0770);
	is_int(where_check(dir, &err), -1, "one that others may write to");
	is_int(err.code, WF_DENIED, "is not permitted");
	chmod(dir, 0700);
	if (symlink(dir, link) < 0)
		bail("symlink");
	is_int(where_check(link, &err), -1, "a link");
	is_int(err.code, WF_DENIED, "is not permitted");
	unlink(link);
	is_int(where_check(link, &err), -1, "nothing");
	is_int(err.code, WF_NOT_FOUND, "is not found");
	is_int(where_check("/dev/null", &err), -1, "a device");
	is_int(err.code, WF_INVALID, "is invalid");
	free(link);
}

int main(void)
{
	struct wf_err err;

	if (!mkdtemp(dir))
		bail("mkdtemp");
	owners();
	clusters();
	choices();
	rights();
	wf_dir_remove(wf_os_posix(), dir, &err);
	return done_testing();
}
