/* field.h - members of the documents that the engine sends, as people are shown them
 *
 * The getters never fail: a missing member is "", 0 or no. Where the difference between zero and "not said" matters,
 * ask field_has first.
 */
#ifndef WF_CLI_FIELD_H
#define WF_CLI_FIELD_H

#include <jansson.h>
#include <stdint.h>

#include "cli/term.h"
#include "engine/base/err.h"

/* Present and not null. */
int field_has(json_t *doc, const char *key);
const char *field_str(json_t *doc, const char *key);
const char *field_service(json_t *doc); /* what a service is called: "db", "db (of sim[3])" */
int64_t field_int(json_t *doc, const char *key);
int field_true(json_t *doc, const char *key);
/* ms after the epoch of an RFC 3339 member; 0 when null. */
int64_t field_time(json_t *doc, const char *key);
/* Of counts{}: how many are in that state. */
int64_t field_count(json_t *doc, const char *state);

/* The end of a run's id that people type: 8 characters. */
const char *run_short(json_t *run);
int run_is_ended(json_t *run);
/* How long it ran, or has been running until now; -1 before it started. */
int64_t run_elapsed(json_t *run);
/* Tasks that will not change any more. */
int64_t counts_done(json_t *counts);
/* succeeded 0, failed 1, canceled 9, anything else 8: the contract's exit codes for a run that was asked for. */
int run_exit(json_t *run);

/* How a state looks; unknown words look plain. */
enum style style_of(const char *state);
/* One character before the word, in the stream's character set. */
const char *glyph_of(const struct term *t, const char *state);

#endif
