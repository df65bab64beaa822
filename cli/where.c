/* where.c - owns the choice of the state directory and the reading of its owner file; never writes there. */
#include "cli/where.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/json.h"
#include "engine/base/os.h"

enum { OWNER_MAX = 4096, SLURM_CONF_MAX = 8 << 20 };

const char *where_slurm_conf(void)
{
	static const char *const usual[] = { "/etc/slurm/slurm.conf", "/etc/slurm-llnl/slurm.conf" };
	const char *named = getenv("SLURM_CONF");

	if (named && *named && access(named, R_OK) == 0)
		return named;
	for (size_t i = 0; i < WF_COUNT(usual); i++)
		if (access(usual[i], R_OK) == 0)
			return usual[i];
	return NULL;
}

/* A word that may stand in a path. */
static int is_tame(const char *s)
{
	if (!isalnum((unsigned char)*s))
		return 0;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("._-", *s))
			return 0;
	return 1;
}

char *where_cluster(const char *conf)
{
	static const char key[] = "ClusterName";
	struct wf_buf text = { 0 };
	char *found = NULL, *save = NULL;

	if (!conf || wf_file_read(wf_os_posix(), conf, SLURM_CONF_MAX, &text, NULL) < 0 || !text.data)
		goto out;
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *p = line + strspn(line, " \t");
		size_t n;

		if (strncasecmp(p, key, sizeof(key) - 1) != 0)
			continue;
		p += sizeof(key) - 1;
		p += strspn(p, " \t");
		if (*p++ != '=')
			continue;
		p += strspn(p, " \t");
		n = strcspn(p, " \t\r#");
		free(found);
		found = wf_xstrndup(p, n);
	}
	if (found && !is_tame(found)) {
		free(found);
		found = NULL;
	}
out:
	wf_buf_release(&text);
	return found;
}

static const char *home(void)
{
	const char *h = getenv("HOME");
	struct passwd *pw;

	if (h && h[0] == '/')
		return h;
	pw = getpwuid(getuid());
	return pw && pw->pw_dir && pw->pw_dir[0] == '/' ? pw->pw_dir : NULL;
}

char *where_state_dir(struct wf_err *err)
{
	const char *named = getenv("WF_STATE_DIR"), *xdg = getenv("XDG_STATE_HOME"), *base;
	char *cluster, *dir;

	if (named && *named) {
		char *cwd = getcwd(NULL, 0);

		dir = wf_path_resolve(cwd ? cwd : "/", named);
		free(cwd);
		return dir;
	}
	/* The XDG rules: a relative path there is to be ignored. */
	base = xdg && xdg[0] == '/' ? xdg : home();
	if (!base) {
		wf_errf(err, WF_INVALID, "no home directory to keep state in; set WF_STATE_DIR");
		return NULL;
	}
	cluster = where_cluster(where_slurm_conf());
	dir = wf_xasprintf("%s%s/wf/%s", base, base == xdg ? "" : "/.local/state", cluster ? cluster : wf_host_name());
	free(cluster);
	return dir;
}

int where_check(const char *state_dir, struct wf_err *err)
{
	struct stat st;

	if (lstat(state_dir, &st) < 0)
		return wf_err_sys(err, "state directory '%s'", state_dir);
	if (S_ISLNK(st.st_mode))
		return wf_errf(err, WF_DENIED, "state directory '%s' is a link; name the directory itself in WF_STATE_DIR",
			       state_dir);
	if (!S_ISDIR(st.st_mode))
		return wf_errf(err, WF_INVALID, "state directory '%s' is not a directory; set WF_STATE_DIR", state_dir);
	if (st.st_uid != geteuid())
		return wf_errf(err, WF_DENIED, "state directory '%s' belongs to user %u; set WF_STATE_DIR to one of your own",
			       state_dir, (unsigned)st.st_uid);
	if (st.st_mode & 022)
		return wf_errf(err, WF_DENIED, "others may write to state directory '%s'; run `chmod 700 '%s'`", state_dir,
			       state_dir);
	return 0;
}

static int decode(const struct wf_buf *text, struct owner *o)
{
	json_t *doc = wf_json_parse(text->data, text->len, NULL);
	const char *host = NULL, *boot = "";
	int64_t pid = 0, pid_ns = 0, start = 0, epoch = 0;
	int rc = -1;

	if (!json_is_object(doc) || wf_json_str(doc, "host", 1, &host, NULL) < 0 ||
	    wf_json_str(doc, "boot_id", 0, &boot, NULL) < 0 || wf_json_int(doc, "pid_ns", 0, &pid_ns, NULL) < 0 ||
	    wf_json_int(doc, "pid", 1, &pid, NULL) < 0 || wf_json_int(doc, "start_time", 0, &start, NULL) < 0 ||
	    wf_json_int(doc, "epoch", 0, &epoch, NULL) < 0 || !*host || pid <= 0)
		goto out;
	snprintf(o->host, sizeof(o->host), "%s", host);
	snprintf(o->boot_id, sizeof(o->boot_id), "%s", boot);
	o->pid_ns = (uint64_t)pid_ns;
	o->pid = (pid_t)pid;
	o->start_time = (uint64_t)start;
	o->epoch = epoch;
	rc = 0;
out:
	json_decref(doc);
	return rc;
}

enum owner_is where_owner(const char *state_dir, struct owner *o)
{
	struct wf_buf text = { 0 };
	struct wf_err err;
	char *path = wf_xasprintf("%s/owner", state_dir);
	enum owner_is is = OWNER_HERE;

	memset(o, 0, sizeof(*o));
	if (wf_file_read(wf_os_posix(), path, OWNER_MAX, &text, &err) < 0)
		is = err.code == WF_NOT_FOUND ? OWNER_NONE : OWNER_UNREADABLE;
	else if (!text.len || decode(&text, o) < 0)
		is = OWNER_UNREADABLE;
	/* One kernel under two names is one host: the boot id tells. Two hosts never share one. A container with a name of its own is another. */
	else if (strcmp(o->host, wf_host_name()) != 0 && (!*o->boot_id || strcmp(o->boot_id, wf_host_boot_id()) != 0 ||
							  (o->pid_ns && o->pid_ns != wf_host_pid_namespace())))
		is = OWNER_ELSEWHERE;
	else if (*o->boot_id && strcmp(o->boot_id, wf_host_boot_id()) != 0)
		is = OWNER_DEAD;
	else if ((!o->pid_ns || o->pid_ns == wf_host_pid_namespace()) &&
		 (kill(o->pid, 0) < 0 ? errno == ESRCH : o->start_time && !wf_pid_lives(o->pid, o->start_time)))
		is = OWNER_DEAD;
	wf_buf_release(&text);
	free(path);
	return is;
}
