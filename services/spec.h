/* spec.h - the file that tells wf-service which member it hosts
 *
 * Written by the engine before the member's attempt starts (0600: attributes may carry what the user would not show), read once by
 * `wf-service FILE`, which does not remove it. A JSON object:
 *
 *   {
 *     "version": 1,
 *     "run": "01hx...", "run_name": "crack",              text id and name of the run
 *     "service": {"name": "db", "type": "REDIS",
 *                 "attributes": {...} | null,             as struct wdf_service has them: defaults filled in, placeholders still in
 *                 "spec": {...} | null},                  struct wdf_service's spec
 *     "driver": "/abs/types/redis/driver.yaml",           struct wdf_driver's file
 *     "generation": 1, "view": 1,
 *     "member": {"n": 0, "role": "founder",               role: founder or joiner
 *                "dir": "/abs/...",                       made by wf-service (0700) if missing, removed at the end; any length
 *                "host": "127.0.0.1"},                    the name under which consumers reach this host; for a local member the loopback address
 *     "params": {"mode": "quick", ...},                   the run's parameters, for placeholders in the service's entry
 *     "workdir": "/abs/...",                              where a COMMAND service's command runs: the run's submit directory
 *     "endpoint_file": "/abs/..." | null,                 published by rename when the member is ready, removed when it leaves:
 *                                                         {service, type, generation, view, member, host, pid, address, endpoint, provides}
 *     "config": {...} | null, "lease": {...} | null,      roots for templates; lease.secret never reaches argv or environment
 *     "term_ms": 5000                                     optional: time in all for a stop asked for by SIGTERM
 *   }
 *
 * The member's environment is that of wf-service (so: what the agent was told to give it, WF_TOKEN included), then the driver's `env`,
 * then WF_SERVICE_NAME, WF_SERVICE_GENERATION, WF_MEMBER, WF_MEMBER_DIR and WF_SERVICE_DIR; WF_CONTROL_FD is taken out.
 */
#ifndef WF_SERVICES_SPEC_H
#define WF_SERVICES_SPEC_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/err.h"

#define MEMBER_SPEC_VERSION 1
#define MEMBER_SPEC_MAX (4u << 20)

/* Strings and values live in `json` and die with member_spec_release. */
struct member_spec {
	const char *run, *run_name;
	const char *service, *type;
	json_t *attributes;            /* object */
	json_t *spec;                  /* object, or NULL */
	const char *driver;
	int64_t generation, view;
	int64_t n;
	const char *role, *dir, *host;
	json_t *params;                /* object */
	const char *workdir;
	const char *endpoint_file;     /* NULL: none */
	json_t *config, *lease;        /* objects, or NULL */
	int64_t term_ms;
	json_t *json;
};

int member_spec_read(struct member_spec *s, const char *file, struct wf_err *err);
/* Takes a new reference of json. */
int member_spec_parse(struct member_spec *s, json_t *json, struct wf_err *err);
void member_spec_release(struct member_spec *s);

#endif
