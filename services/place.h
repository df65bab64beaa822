/* place.h - what a member occupies on this host: its directory, a short one on node-local disk, files, a port
 *
 * member.dir is the engine's choice and may be longer than a unix socket's path can be; service.dir is ours: 0700, below $TMPDIR, with a name
 * nobody can guess. Both carry a marker: only a directory with one is ever emptied, and by it the next generation, or the engine when there is none,
 * knows what a host that was killed left behind. A port is only known to have been free a moment ago: place_port_taken tells afterwards whether it was lost.
 */
#ifndef WF_SERVICES_PLACE_H
#define WF_SERVICES_PLACE_H

#include <jansson.h>

#include "engine/base/os.h"
#include "services/spec.h"
#include "wdf-schema/driver.h"

struct place {
	struct wf_os *os;
	const struct member_spec *spec;
	const char *base;              /* where service_dir lies: TMPDIR, or /tmp */
	char *service_dir;             /* NULL: none yet */
	int made_member_dir;
};

int place_make(struct place *p, struct wf_os *os, const struct member_spec *spec, struct wf_err *err);
/* Removes both directories, and what `cleanup` (may be NULL) names in member.dir before; says in the log what could not be. */
void place_remove(struct place *p, json_t *cleanup);
/* Render the driver's `files` into member.dir. */
int place_write_files(const struct place *p, const struct wdf_driver *d, json_t *files, json_t *roots, struct wf_err *err);
/* Text of all templates of `files`, to look for names in. */
int place_files_mention(const struct wdf_driver *d, json_t *files, const char *word);

/* A TCP port that nobody uses on this host; 0 and err. */
uint16_t place_pick_port(struct wf_err *err);
int place_port_taken(uint16_t port);

#endif
