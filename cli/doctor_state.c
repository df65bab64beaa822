/* doctor_state.c - owns the checks of the state directory: rights, owner, file system, room. */
#include <errno.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/term.h"
#include "cli/where.h"
#include "engine/base/os.h"

static const uint64_t MIB = 1 << 20;

/* The directory itself, or the nearest above it that exists; the caller frees. */
static char *existing(const char *dir)
{
	char *path = wf_xstrdup(dir);
	struct stat st;

	while (stat(path, &st) < 0 && strlen(path) > 1) {
		char *slash = strrchr(path, '/');

		slash[slash == path] = '\0';
	}
	return path;
}

static void rights(json_t *list, const char *dir)
{
	struct wf_err err;
	struct stat st;
	char *up, *fix;

	if (lstat(dir, &st) < 0 && errno == ENOENT) {
		up = existing(dir);
		if (access(up, W_OK) == 0)
			found(list, "state", FINE, NULL, "%s will be made when it is needed", dir);
		else
			found(list, "state", BROKEN_HERE, "set WF_STATE_DIR to a directory of your own", "%s cannot be made: %s is not writable",
			      dir, up);
		free(up);
		return;
	}
	if (where_check(dir, &err) < 0) {
		found(list, "state", BROKEN_HERE, "set WF_STATE_DIR to a directory of your own with mode 0700", "%s", err.text);
		return;
	}
	if (st.st_mode & 077) {
		fix = wf_xasprintf("chmod 700 '%s'", dir);
		found(list, "state", BROKEN_HERE, fix, "%s can be read by others (mode %04o)", dir, (unsigned)st.st_mode & 07777);
		free(fix);
		return;
	}
	found(list, "state", FINE, NULL, "%s, yours alone", dir);
}

static void owner(json_t *list, const char *dir)
{
	struct owner o;
	char *fix;

	switch (where_owner(dir, &o)) {
	case OWNER_NONE:
		found(list, "owner", FINE, NULL, "no engine owns it");
		break;
	case OWNER_DEAD:
		found(list, "owner", FINE, NULL, "the engine that owned it (pid %d, epoch %lld) is gone; the next takes over",
		      (int)o.pid, (long long)o.epoch);
		break;
	case OWNER_HERE:
		found(list, "owner", FINE, NULL, "an engine on this host (pid %d, epoch %lld)", (int)o.pid, (long long)o.epoch);
		break;
	case OWNER_ELSEWHERE:
		fix = wf_xasprintf("use wf on %s, or stop the engine there: wf engine stop", o.host);
		found(list, "owner", BROKEN_HERE, fix, "an engine on host %s (pid %d) owns it", o.host, (int)o.pid);
		free(fix);
		break;
	case OWNER_UNREADABLE:
		found(list, "owner", DOUBTFUL, "if no engine runs, remove the file 'owner' in it", "its owner file cannot be read");
		break;
	}
}

/* The mount that holds path: the longest mount point that is its beginning, the last of equal ones. */
static int mount_of(const char *path, char *type, size_t type_size, char *options, size_t options_size)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	size_t best = 0;

	if (!f)
		return -1;
	while ((m = getmntent(f))) {
		size_t n = strlen(m->mnt_dir);

		if (n < best || strncmp(m->mnt_dir, path, n) != 0 || (n > 1 && path[n] && path[n] != '/'))
			continue;
		best = n;
		snprintf(type, type_size, "%s", m->mnt_type);
		snprintf(options, options_size, "%s", m->mnt_opts);
	}
	endmntent(f);
	return best ? 0 : -1;
}

static int has_option(const char *options, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = options; (p = strstr(p, name)); p += n)
		if ((p == options || p[-1] == ',') && (!p[n] || p[n] == ','))
			return 1;
	return 0;
}

static void file_system(json_t *list, const char *dir)
{
	static const char *const unlocked[] = { "nolock", "localflock", "local_lock=flock", "local_lock=posix", "local_lock=all" };
	static const char *const network[] = { "nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "cifs", "smb3", "fuse.sshfs", "9p", "afs" };
	char type[64], options[4096], *up = existing(dir), *real = realpath(up, NULL);

	if (!real || mount_of(real, type, sizeof(type), options, sizeof(options)) < 0) {
		found(list, "fs", DOUBTFUL, NULL, "its file system cannot be told");
		goto out;
	}
	for (size_t i = 0; i < WF_COUNT(unlocked); i++) {
		if (!has_option(options, unlocked[i]))
			continue;
		found(list, "fs", BROKEN_HERE, "set WF_STATE_DIR to a directory on another file system, or ask for a mount with locks",
		      "%s mounted with '%s': hosts do not see each other's locks there", type, unlocked[i]);
		goto out;
	}
	if (has_option(options, "ro")) {
		found(list, "fs", BROKEN_HERE, "set WF_STATE_DIR to a directory on another file system", "%s is mounted read-only", type);
		goto out;
	}
	for (size_t i = 0; i < WF_COUNT(network); i++) {
		if (strcmp(network[i], type) != 0)
			continue;
		found(list, "fs", DOUBTFUL, "a local disk is faster: export WF_STATE_DIR=/var/tmp/$USER-wf, if you always use this host",
		      "%s is a network file system: every commit crosses the network", type);
		goto out;
	}
	if (strcmp(type, "tmpfs") == 0 || strcmp(type, "ramfs") == 0)
		found(list, "fs", DOUBTFUL, "set WF_STATE_DIR to a directory on a disk", "%s: everything is lost when the host restarts", type);
	else
		found(list, "fs", FINE, NULL, "%s", type);
out:
	free(real);
	free(up);
}

static void room(json_t *list, const char *dir)
{
	char *up = existing(dir), text[24];
	struct statvfs v;
	uint64_t bytes;

	if (statvfs(up, &v) < 0) {
		found(list, "space", DOUBTFUL, NULL, "cannot be told: %s", strerror(errno));
		goto out;
	}
	bytes = (uint64_t)v.f_bavail * v.f_frsize;
	text_bytes(bytes, text);
	if (bytes < 64 * MIB)
		found(list, "space", BROKEN_HERE, "free space there: `wf ls` and `wf rm RUN` forget old runs", "only %s free", text);
	else if (bytes < 1024 * MIB)
		found(list, "space", DOUBTFUL, "free space there: `wf ls` and `wf rm RUN` forget old runs", "%s free", text);
	else if (v.f_files && v.f_favail < 1000)
		found(list, "space", BROKEN_HERE, "remove files there: its inodes are used up", "%s free, but only %llu inodes", text,
		      (unsigned long long)v.f_favail);
	else
		found(list, "space", FINE, NULL, "%s free", text);
out:
	free(up);
}

void check_state(json_t *list, const char *state_dir)
{
	rights(list, state_dir);
	owner(list, state_dir);
	file_system(list, state_dir);
	room(list, state_dir);
}
