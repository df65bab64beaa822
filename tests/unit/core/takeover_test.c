/* Mounts whose locks end at this host; epochs that are won by one alone; which database is the newest that is whole. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/owner.h"
#include "tests/tap/tap.h"

static char dir[] = "/tmp/wf-takeover.XXXXXX";

/* ---- mounts ---------------------------------------------------------------------------------------------- */

static const char table[] =
	"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"40 22 0:35 / /home rw,relatime shared:9 - nfs4 nas:/home rw,vers=4.2,local_lock=none,addr=10.0.0.1\n"
	"41 22 0:36 / /old rw,relatime - nfs nas:/old rw,vers=3,nolock,local_lock=all\n"
	"42 22 0:37 / /old/deep rw,relatime - nfs4 nas:/deep rw,vers=4.2,local_lock=none\n"
	"43 22 0:38 / /scratch rw,localflock - lustre mds@tcp:/scratch rw,checksum\n"
	"44 22 0:39 / /with\\040blank rw - lustre mds@tcp:/x rw,noflock\n"
	"45 22 0:40 / /twice rw - nfs nas:/a rw,nolock\n"
	"46 22 0:41 / /twice rw - ext4 /dev/sdb rw\n";

static void mount_is(const char *path, const char *refused)
{
	struct wf_err err = { 0 };
	int rc = mounts_check(table, path, &err);

	is_int(rc, refused ? -1 : 0, "%s is %s", path, refused ? "refused" : "fine");
	if (refused) {
		is_int(err.code, WF_RESOURCE, "as a resource");
		has_str(err.text, refused, "with its option");
	}
}

static void test_mounts(void)
{
	mount_is("/var/wf", NULL);
	mount_is("/home/ada/.local/state/wf", NULL);
	mount_is("/old/ada", "'nolock'");
	mount_is("/older", NULL);
	mount_is("/old/deep/ada", NULL);
	mount_is("/scratch", "'localflock'");
	mount_is("/with blank/wf", "'noflock'");
	mount_is("/twice/wf", NULL);
	is_int(mounts_check("", "/x", NULL), 0, "without a table nothing is known");
	is_int(mounts_check("garbage\n\n1 2 3\n", "/x", NULL), 0, "nor from one that makes no sense");
}

/* ---- owners ---------------------------------------------------------------------------------------------- */

static void begin(struct engine *e, int takeover)
{
	memset(e, 0, sizeof(*e));
	e->os = wf_os_posix();
	e->state_dir = wf_xstrdup(dir);
	e->lock_fd = -1;
	e->opt.take_owner = 1;
	e->opt.takeover = takeover;
}

static void end(struct engine *e)
{
	owner_release(e);
	free(e->state_dir);
}

static void put(const char *name, const char *text)
{
	char *path = wf_xasprintf("%s/%s", dir, name), *slash = strrchr(path, '/');
	struct wf_err err;

	*slash = '\0';
	if (wf_dir_make(wf_os_posix(), path, 0700, &err) < 0)
		bail("%s", err.text);
	*slash = '/';
	if (wf_file_replace(wf_os_posix(), path, text, strlen(text), 0600, &err) < 0)
		bail("%s", err.text);
	free(path);
}

static void clear(void)
{
	struct wf_err err;

	if (wf_dir_remove(wf_os_posix(), dir, &err) < 0 || wf_dir_make(wf_os_posix(), dir, 0700, &err) < 0)
		bail("%s", err.text);
}

static char *owner_text(const char *host, int epoch, const char *data, int from)
{
	return wf_xasprintf("{\"host\": \"%s\", \"boot_id\": \"b\", \"pid_ns\": 1, \"pid\": 77, \"start_time\": 5, \"epoch\": %d, \"data\": \"%s\", "
			    "\"from\": %d, \"copy_after_ms\": 0}", host, epoch, data, from);
}

static void epoch(int n, const char *host, const char *data, int from)
{
	char *text = owner_text(host, n, data, from), *name = wf_xasprintf("epochs/%d/owner", n);

	put(name, text);
	put("owner", text);
	free(name);
	free(text);
}

static void source_is(uint64_t from, const char *want, const char *what)
{
	struct owner o;
	struct wf_err err;
	char data[64];

	if (owner_of_epoch(wf_os_posix(), dir, from, &o, &err) != 1)
		bail("no epoch %d", (int)from);
	owner_data(wf_os_posix(), dir, &o, data, sizeof(data));
	is_str(data, want, "%s", what);
}

static void test_sources(void)
{
	clear();
	epoch(1, "a", "", 0);
	epoch(2, "b", "epochs/2", 1);
	epoch(3, "c", "epochs/3", 2);
	source_is(1, "", "the first database lies in the state directory");
	source_is(3, "", "two takeovers that were killed leave it the newest");
	put("epochs/2/wf.db", "x");
	source_is(3, "epochs/2", "one that came to its end, though late, is the newest then");
	put("epochs/3/wf.db", "x");
	source_is(3, "epochs/3", "and the last");
	epoch(4, "c", "epochs/3", 0);
	source_is(4, "epochs/3", "who went on in place has the same");
}

static void test_rules(void)
{
	struct engine e;
	struct wf_err err;
	char *text;

	clear();
	epoch(1, "elsewhere", "", 0);
	begin(&e, 0);
	is_int(owner_take(&e, &err), -1, "another host's is not taken unasked");
	is_int(err.code, WF_UNREACHABLE, "it is out of reach");
	end(&e);
	begin(&e, 1);
	is_int(owner_take(&e, &err), 0, "when asked, it is");
	is_int((int64_t)e.epoch, 2, "with the next epoch");
	has_str(e.data_dir, "/epochs/2", "and a database of its own");
	is_int(owner_check(&e, &err), 0, "it owns the directory");
	/* Nothing was copied, for there was nothing: still, nobody takes that for a finished one. */
	end(&e);
	begin(&e, 0);
	is_int(owner_take(&e, &err), -1, "a takeover that did not come to its end is not gone on with unasked");
	has_str(err.text, "--takeover", "but with the same words");
	end(&e);
	put("epochs/2/wf.db", "");
	begin(&e, 0);
	is_int(owner_take(&e, &err), 0, "one that did is followed in place");
	is_int((int64_t)e.epoch, 3, "with the next epoch");
	has_str(e.data_dir, "/epochs/2", "where it was");
	text = owner_text("elsewhere", 2, "epochs/2", 1);
	put("owner", text);
	is_int(owner_check(&e, &err), -1, "any other owner ends it, of a lower epoch, too");
	end(&e);
	begin(&e, 0);
	is_int(owner_take(&e, &err), -1, "who came too late and wrote its name has to be proven dead as well");
	end(&e);
	free(text);
}

int main(void)
{
	struct wf_err err;

	if (!mkdtemp(dir))
		bail("no directory in /tmp");
	test_mounts();
	test_sources();
	test_rules();
	if (wf_dir_remove(wf_os_posix(), dir, &err) < 0)
		bail("%s", err.text);
	return done_testing();
}
