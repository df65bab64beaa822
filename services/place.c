/* place.c - owns directories, files and the port of a member; knows nothing of processes. */
#include "services/place.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/log.h"
#include "services/render.h"

enum {
	TEMPLATE_MAX = 1 << 20,
	BASE_MAX = 48,                 /* of TMPDIR; leaves some 40 characters for the name of a socket */
};
static const char marker_name[] = ".wf-member";

/* ---- directories ------------------------------------------------------------------------------------- */

static int count_name(const char *name, void *arg)
{
	int *n = arg;

	(void)name;
	++*n;
	return 0;
}

static int remove_dir(struct place *p, const char *dir)
{
	struct wf_err err;
	int rc = wf_dir_remove(p->os, dir, &err);

	if (rc < 0)
		wf_log(WF_LOG_WARN, "cannot remove '%s': %s, ignoring", dir, err.text);
	return rc;
}

/* The marker in a directory of ours, a new reference; NULL when it has none or is not ours. */
static json_t *read_marker(struct place *p, const char *dir)
{
	char *file = wf_xasprintf("%s/%s", dir, marker_name);
	struct wf_buf text = { 0 };
	struct stat st;
	json_t *marker = NULL;

	if (p->os->ops->lstat(p->os->self, dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	    wf_file_read(p->os, file, 65536, &text, NULL) == 0)
		marker = wf_json_parse(wf_buf_cstr(&text), text.len, NULL);
	wf_buf_release(&text);
	free(file);
	return marker;
}

/* True for the marker of this member's present or an earlier generation. */
static int is_of_member(const struct place *p, json_t *marker)
{
	const char *run = json_string_value(json_object_get(marker, "run"));
	const char *service = json_string_value(json_object_get(marker, "service"));

	return run && service && strcmp(run, p->spec->run) == 0 && strcmp(service, p->spec->service) == 0 &&
	       json_integer_value(json_object_get(marker, "n")) == p->spec->n &&
	       json_integer_value(json_object_get(marker, "generation")) <= p->spec->generation;
}

/* A host that was killed could not remove its directories: the next one of this member does, once the engine starts it (the earlier one
 * is proven dead then). */
static int sweep_one(const char *name, void *arg)
{
	struct place *p = arg;
	char *dir;
	json_t *marker, *other;
	const char *member_dir;

	if (strncmp(name, "wf-", 3) != 0)
		return 0;
	dir = wf_xasprintf("%s/%s", p->base, name);
	marker = read_marker(p, dir);
	if (marker && is_of_member(p, marker)) {
		member_dir = json_string_value(json_object_get(marker, "member_dir"));
		other = member_dir ? read_marker(p, member_dir) : NULL;
		if (remove_dir(p, dir) == 0 && other && is_of_member(p, other))
			remove_dir(p, member_dir);
		json_decref(other);
	}
	json_decref(marker);
	free(dir);
	return 0;
}

/* An existing member.dir is emptied if a member left it, taken if it is empty, refused otherwise. */
static int empty_member_dir(struct place *p, struct wf_err *err)
{
	int names = 0, rc = 0;
	json_t *marker;

	if (p->os->ops->list(p->os->self, p->spec->dir, count_name, &names) < 0 && errno != ENOENT)
		return wf_err_sys(err, "cannot look into '%s'", p->spec->dir);
	if (!names)
		return 0;
	marker = read_marker(p, p->spec->dir);
	if (!marker)
		return wf_errf(err, WF_CONFLICT, "'%s' is not empty and no member's directory; remove it", p->spec->dir);
	rc = wf_dir_remove(p->os, p->spec->dir, err);
	json_decref(marker);
	return rc;
}

static int write_marker(struct place *p, const char *dir, struct wf_err *err)
{
	char *file = wf_xasprintf("%s/%s", dir, marker_name);
	json_t *marker = json_pack("{s:s,s:s,s:I,s:I,s:s,s:s}", "run", p->spec->run, "service", p->spec->service, "n",
				   (json_int_t)p->spec->n, "generation", (json_int_t)p->spec->generation, "member_dir",
				   p->spec->dir, "service_dir", p->service_dir);
	struct wf_buf text = { 0 };
	int rc;

	wf_json_dump(marker, &text);
	rc = wf_file_replace(p->os, file, text.data, text.len, 0600, err);
	wf_buf_release(&text);
	json_decref(marker);
	free(file);
	return rc;
}

static int make_service_dir(struct place *p, struct wf_err *err)
{
	uint64_t number;
	char name[32];

	for (int tries = 0; tries < 16; tries++) {
		wf_os_random(p->os, &number, sizeof(number));
		snprintf(name, sizeof(name), "wf-%012llx", (unsigned long long)(number >> 16));
		p->service_dir = wf_xasprintf("%s/%s", p->base, name);
		/* Its name is written down before it is made: whoever finds one of the two finds both. */
		if (write_marker(p, p->spec->dir, err) < 0)
			return -1;
		if (p->os->ops->mkdir(p->os->self, p->service_dir, 0700) == 0)
			return 0;
		if (errno != EEXIST) {
			wf_err_sys(err, "cannot make a directory for sockets in '%s'", p->base);
			free(p->service_dir);
			p->service_dir = NULL;
			return -1;
		}
		free(p->service_dir);
		p->service_dir = NULL;
	}
	return wf_errf(err, WF_IO, "cannot make a directory for sockets in '%s': every name is taken", p->base);
}

int place_make(struct place *p, struct wf_os *os, const struct member_spec *spec, struct wf_err *err)
{
	const char *base = getenv("TMPDIR");

	p->os = os;
	p->spec = spec;
	p->base = base && base[0] == '/' && strlen(base) <= BASE_MAX && access(base, W_OK | X_OK) == 0 ? base : "/tmp";
	os->ops->list(os->self, p->base, sweep_one, p);
	if (empty_member_dir(p, err) < 0 || wf_dir_make(os, spec->dir, 0700, err) < 0)
		return -1;
	p->made_member_dir = 1;
	if (make_service_dir(p, err) < 0)
		return -1;
	return write_marker(p, p->service_dir, err);
}

void place_remove(struct place *p, json_t *cleanup)
{
	size_t i;
	json_t *name;

	if (!p->os)
		return;
	json_array_foreach (cleanup, i, name) {
		char *path = wf_xasprintf("%s/%s", p->spec->dir, json_string_value(name));

		remove_dir(p, path);
		free(path);
	}
	/* The marker in member.dir tells where the other is: it goes last, and stays if the other does. */
	if ((!p->service_dir || remove_dir(p, p->service_dir) == 0) && p->made_member_dir)
		remove_dir(p, p->spec->dir);
	free(p->service_dir);
	p->service_dir = NULL;
	p->made_member_dir = 0;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int read_template(const struct wdf_driver *d, const char *name, struct wf_buf *text, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/%s", d->dir, name);
	int rc = wf_file_read(wf_os_posix(), path, TEMPLATE_MAX, text, err);

	free(path);
	return rc;
}

static int write_file(const struct place *p, const char *name, const char *text, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/%s", p->spec->dir, name), *slash = strrchr(path, '/');
	int rc;

	*slash = '\0';
	rc = wf_dir_make(p->os, path, 0700, err);
	*slash = '/';
	if (rc == 0)
		rc = wf_file_replace(p->os, path, text, strlen(text), 0600, err);
	free(path);
	return rc;
}

int place_write_files(const struct place *p, const struct wdf_driver *d, json_t *files, json_t *roots, struct wf_err *err)
{
	const char *target;
	json_t *source;

	json_object_foreach (files, target, source) {
		struct wf_buf text = { 0 };
		char *made = NULL;
		int rc = read_template(d, json_string_value(source), &text, err);

		if (rc == 0) {
			made = render_text(wf_buf_cstr(&text), roots, err);
			rc = made ? write_file(p, target, made, err) : -1;
		}
		free(made);
		wf_buf_release(&text);
		if (rc < 0)
			return wf_err_wrap(err, "write '%s'", target);
	}
	return 0;
}

int place_files_mention(const struct wdf_driver *d, json_t *files, const char *word)
{
	const char *target;
	json_t *source;
	int found = 0;

	json_object_foreach (files, target, source) {
		struct wf_buf text = { 0 };
		struct wf_err err;

		if (read_template(d, json_string_value(source), &text, &err) == 0)
			found |= !!strstr(wf_buf_cstr(&text), word);
		wf_buf_release(&text);
	}
	return found;
}

/* ---- ports ------------------------------------------------------------------------------------------- */

/* Binds and lets go again. All addresses: the member may listen on any. Nobody can connect: nothing listens. */
static int try_bind(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_ANY) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = -1, one = 1;

	if (fd < 0)
		return -1;
	/* Only for asking again: what a member that just ended left in TIME_WAIT does not make a port taken. */
	if (*port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0) {
		*port = ntohs(a.sin_port);
		rc = 0;
	}
	close(fd);
	return rc;
}

uint16_t place_pick_port(struct wf_err *err)
{
	uint16_t port = 0;

	if (try_bind(&port) < 0) {
		wf_err_sys(err, "cannot find a free port");
		return 0;
	}
	return port;
}

int place_port_taken(uint16_t port)
{
	return try_bind(&port) < 0 && errno == EADDRINUSE;
}
