/* plan.h - what a workflow file would run, as a document
 *
 * {workflow, file, tasks (of sized steps), unsized (steps sized while running), edges, depth, width, timed,
 *  steps: [{step, level, tasks or null, cpus, memory, time_ms, after: [step], services: [name], executor or null}],
 *  levels: [{level, tasks, steps: [step]}],
 *  critical: {steps: [step], ms}, work_ms, core_hours, cores, memory, makespan_ms,
 *  services: [{name, type, start, first_level, last_level, first: [step], last: [step], users}],
 *  cannot_run: [finding]}
 * Times are null when the file declares none.
 */
#ifndef WF_CLI_PLAN_H
#define WF_CLI_PLAN_H

#include "cli/spec.h"

/* The spec is expanded. `cores` and `memory` are what one host offers. A new reference. */
json_t *plan_document(struct spec *s, uint32_t cores, uint64_t memory);

#endif
