/* prepare.h - everything that is made before a member's process starts
 *
 * The driver with the service's entry laid over it, roots for placeholders, directories, a port, the endpoint, files, the command line, and
 * the verbs with their placeholders replaced. What depends on the port is made anew by every call: a start that lost its port is
 * followed by prepare() and another start. Zeroed is empty.
 */
#ifndef WF_SERVICES_PREPARE_H
#define WF_SERVICES_PREPARE_H

#include <jansson.h>

#include "services/launch.h"
#include "services/place.h"
#include "wdf-schema/driver.h"

struct prepared {
	struct wf_os *os;
	const struct member_spec *spec;
	struct wdf_driver *driver;
	json_t *verbs;                 /* after the overlay, placeholders in */
	json_t *roots;
	json_t *endpoint, *provides;   /* rendered; NULL when the driver has none */
	json_t *ready, *health, *stop; /* the same */
	struct place place;
	struct launch launch;
	uint16_t port;                 /* 0: the member was told none */
};

int prepare(struct prepared *p, struct wf_os *os, const struct member_spec *spec, struct wf_err *err);
/* The endpoint in one word, "" when there is none. */
const char *prepared_address(const struct prepared *p);
/* Removes the directories too. */
void prepared_clean(struct prepared *p);
void prepared_release(struct prepared *p);

#endif
