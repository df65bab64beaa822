/* env.c - owns the choice of variables that a run inherits (design 9); reads only this process's environment.
 *
 * Left out: what belongs to the session that submits (its batch job, its login, its display, its message bus) and would be
 * wrong or gone when a task runs; and what looks like a secret, because a run's environment is stored.
 */
#include "cli/env.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/buf.h"

extern char **environ;

static const char *const session_prefixes[] = { "SLURM_", "SSH_", "DBUS_", "XDG_SESSION_", "WAYLAND_", "GPG_", "TMUX", "STY", "VSCODE_" };
static const char *const session_names[] = { "_",           "OLDPWD",   "SHLVL", "DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "XDG_SEAT",
					     "XDG_VTNR",    "WINDOWID", "COLUMNS", "LINES",   "ICEAUTHORITY", "SESSION_MANAGER",
					     "KRB5CCNAME",  "LS_COLORS" };

/* Words between underscores that make a name look like a secret's. */
static const char *const secret_words[] = { "TOKEN",      "SECRET",      "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE", "PASS",
					    "CREDENTIAL", "CREDENTIALS", "APIKEY",  "KEY",      "PAT",    "AUTH",       "COOKIE" };

static int is_session(const char *name, size_t n)
{
	for (size_t i = 0; i < WF_COUNT(session_prefixes); i++)
		if (strncmp(name, session_prefixes[i], strlen(session_prefixes[i])) == 0)
			return 1;
	for (size_t i = 0; i < WF_COUNT(session_names); i++)
		if (strlen(session_names[i]) == n && strncmp(name, session_names[i], n) == 0)
			return 1;
	return 0;
}

static int is_secret(const char *name, size_t n)
{
	while (n) {
		size_t w = 0;

		while (w < n && name[w] != '_')
			w++;
		for (size_t i = 0; i < WF_COUNT(secret_words); i++)
			if (strlen(secret_words[i]) == w && strncasecmp(name, secret_words[i], w) == 0)
				return 1;
		name += w < n ? w + 1 : w;
		n -= w < n ? w + 1 : w;
	}
	return 0;
}

json_t *env_for_run(json_t *left_out)
{
	json_t *env = json_object();

	for (char **e = environ; *e; e++) {
		const char *eq = strchr(*e, '=');
		size_t n = eq ? (size_t)(eq - *e) : 0;
		char *name;
		json_t *value;

		if (!n || is_session(*e, n))
			continue;
		name = wf_xstrndup(*e, n);
		/* jansson refuses what is not UTF-8: such a value cannot travel, and half of it would be worse than none. */
		value = is_secret(*e, n) ? NULL : json_string(eq + 1);
		if (!value || json_object_set_new(env, name, value) < 0)
			json_array_append_new(left_out, json_string(name));
		free(name);
	}
	return env;
}
