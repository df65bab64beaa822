/* doctor_host.c - owns the checks of this host: what may end our processes, limit them, or take their memory. */
#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/site.h"
#include "cli/term.h"
#include "cli/where.h"
#include "engine/base/os.h"

enum { CONF_MAX = 1 << 20, FILES_LOW = 4096, PROCESSES_LOW = 512 };

static void capacity(json_t *list)
{
	char text[24];

	found(list, "capacity", FINE, NULL, "%u cores, %s", site_cores(), text_bytes(site_memory(), text));
}

static void slurm(json_t *list)
{
	const char *conf = where_slurm_conf(), *named = getenv("SLURM_CONF");
	char *cluster;

	if (named && *named && conf != named) {
		found(list, "slurm", DOUBTFUL, "unset SLURM_CONF, or name a readable file", "SLURM_CONF names '%s', which cannot be read", named);
		return;
	}
	if (!conf) {
		found(list, "slurm", FINE, NULL, "no readable configuration: tasks run on this host");
		return;
	}
	cluster = where_cluster(conf);
	found(list, "slurm", DOUBTFUL, "`wf submit --executor local` runs tasks on this host",
	      "%s (cluster %s): tasks go to Slurm, for which this version has no agent yet", conf, cluster ? cluster : "without a name");
	free(cluster);
}

/* The last value of KillUserProcesses in the files that logind reads; -1 when none sets it. */
static void read_logind(const char *path, int *kills)
{
	struct wf_buf b = { 0 };
	char *save = NULL;

	if (wf_file_read(wf_os_posix(), path, CONF_MAX, &b, NULL) == 0 && b.data) {
		for (char *line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			line += strspn(line, " \t");
			if (strncmp(line, "KillUserProcesses=", 18) == 0)
				*kills = strchr("yY1tT", line[18]) != NULL && line[18];
		}
	}
	wf_buf_release(&b);
}

struct drop_in {
	const char *dir;
	int *kills;
};

static int read_drop_in(const char *name, void *arg)
{
	const struct drop_in *d = arg;
	size_t n = strlen(name);
	char *path;

	if (n < 5 || strcmp(name + n - 5, ".conf") != 0)
		return 0;
	path = wf_xasprintf("%s/%s", d->dir, name);
	read_logind(path, d->kills);
	free(path);
	return 0;
}

static void sessions(json_t *list)
{
	static const char *const dirs[] = { "/usr/lib/systemd/logind.conf.d", "/run/systemd/logind.conf.d", "/etc/systemd/logind.conf.d" };
	struct wf_os *os = wf_os_posix();
	struct passwd *pw = getpwuid(getuid());
	char *linger = wf_xasprintf("/var/lib/systemd/linger/%s", pw ? pw->pw_name : "");
	int kills = -1;

	read_logind("/etc/systemd/logind.conf", &kills);
	for (size_t i = 0; i < WF_COUNT(dirs); i++) {
		struct drop_in d = { .dir = dirs[i], .kills = &kills };

		if (wf_file_exists(os, dirs[i]))
			os->ops->list(os->self, dirs[i], read_drop_in, &d);
	}
	if (kills == 1 && !wf_file_exists(os, linger))
		found(list, "logout", BROKEN_HERE, "loginctl enable-linger",
		      "logind kills your processes when you log out (KillUserProcesses): the engine and its tasks too");
	else if (kills == 1)
		found(list, "logout", FINE, NULL, "you linger: processes outlive your login");
	else
		found(list, "logout", FINE, NULL, "processes outlive your login");
	free(linger);
}

static void limits(json_t *list)
{
	struct rlimit files, processes;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max < FILES_LOW)
		found(list, "limits", DOUBTFUL, "ask for a higher hard limit (limits.conf: nofile)",
		      "at most %llu open files: few tasks can run at once", (unsigned long long)files.rlim_max);
	else if (getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_cur != RLIM_INFINITY && processes.rlim_cur < PROCESSES_LOW)
		found(list, "limits", DOUBTFUL, "raise it: ulimit -u", "at most %llu processes", (unsigned long long)processes.rlim_cur);
	else
		found(list, "limits", FINE, NULL, "open files and processes suffice");
}

static int has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += n)
		if ((p == text || isspace((unsigned char)p[-1])) && (!p[n] || isspace((unsigned char)p[n])))
			return 1;
	return 0;
}

static void cgroups(json_t *list)
{
	static const char fix[] = "run wf in a delegated cgroup: systemd-run --user --scope -p Delegate=yes wf engine start";
	char dir[PATH_MAX];
	struct wf_buf text = { 0 };
	char *path;
	int memory = 0;

	if (site_cgroup(dir, sizeof(dir)) < 0) {
		found(list, "memory", DOUBTFUL, NULL, "no unified cgroup hierarchy: the memory of local tasks is not enforced");
		return;
	}
	path = wf_xasprintf("%s/cgroup.controllers", dir);
	if (wf_file_read(wf_os_posix(), path, CONF_MAX, &text, NULL) == 0)
		memory = has_word(wf_buf_cstr(&text), "memory");
	if (access(dir, W_OK) == 0 && memory)
		found(list, "memory", FINE, NULL, "enforced: the cgroup %s is ours", dir);
	else
		found(list, "memory", DOUBTFUL, fix, "the memory of local tasks is for planning only: no cgroup is delegated to us");
	free(path);
	wf_buf_release(&text);
}

static void temporary(json_t *list)
{
	const char *tmp = getenv("TMPDIR");
	struct stat st;

	if (!tmp || !*tmp)
		tmp = "/tmp";
	if (stat(tmp, &st) < 0 || !S_ISDIR(st.st_mode) || access(tmp, W_OK | X_OK) < 0)
		found(list, "tmp", BROKEN_HERE, "set TMPDIR to a directory that you may write to", "%s is no directory that you may write to", tmp);
	else
		found(list, "tmp", FINE, NULL, "services keep their files in %s", tmp);
}

static void shell(json_t *list)
{
	if (access("/bin/bash", X_OK) < 0 && access("/usr/bin/bash", X_OK) < 0)
		found(list, "shell", BROKEN_HERE, "install bash, or set 'shell' in the steps", "no bash: commands with shell syntax cannot run");
	else
		found(list, "shell", FINE, NULL, "bash");
}

void check_host(json_t *list)
{
	capacity(list);
	slurm(list);
	sessions(list);
	limits(list);
	cgroups(list);
	temporary(list);
	shell(list);
}
