/* batch_script.c - owns where the script stands in a user's `sbatch ...`: behind the options, of which some take the
 * next word. */
#include <string.h>

#include "wdf-schema/wdf.h"

/* Letters that take the next word when nothing follows them in their own. */
static const char with_value[] = "AabBcCdDeFGiJLMmnNopqStwx";

/* Long options that never take one; the others do, unless it is in the word ("--time=5"). */
static const char *const alone[] = {
	"contiguous", "exclusive", "get-user-env", "hold", "ignore-pbs", "nice", "no-kill", "no-requeue", "overcommit", "oversubscribe",
	"parsable", "propagate", "quiet", "reboot", "requeue", "spread-job", "test-only", "use-min-nodes", "verbose", "wait",
};

static int takes_next(const char *word)
{
	if (word[1] != '-') {
		size_t flags = 1 + strcspn(word + 1, with_value);

		return word[flags] && !word[flags + 1];
	}
	for (size_t i = 0; i < WF_COUNT(alone); i++)
		if (strcmp(word + 2, alone[i]) == 0)
			return 0;
	return !strchr(word, '=');
}

const struct wdf_tmpl *wdf_batch_script(const struct wdf_command *c)
{
	for (uint32_t i = 1; i < c->word_count; i++) {
		const struct wdf_tmpl *t = &c->words[i].tmpl;
		const char *word = t->count && !t->parts[0].is_name ? t->raw : "";

		if (*word != '-' || !word[1])
			return t;
		if (strncmp(word, "--wrap", 6) == 0)
			return NULL;
		i += t->count == 1 && takes_next(word);
	}
	return NULL;
}
