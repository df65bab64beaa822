/* Layers of configuration: who wins, what a site's limits allow, and where a mistake is. */
#include "engine/core/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap/tap.h"

static char dir[] = "/tmp/wf-config-test.XXXXXX";
static char *site, *user;
static const char *environment[8][2];

static const char *get_env(void *arg, const char *name)
{
	(void)arg;
	for (size_t i = 0; environment[i][0]; i++)
		if (strcmp(environment[i][0], name) == 0)
			return environment[i][1];
	return NULL;
}

static void put(const char *path, const char *text)
{
	if (wf_file_replace(wf_os_posix(), path, text, strlen(text), 0644, NULL) < 0)
		bail("cannot write '%s'", path);
}

static struct wf_config *load(struct wf_err *err)
{
	/* Nobody but root can make a file that belongs to root. */
	struct wf_config_sources from = { .os = wf_os_posix(), .site_file = geteuid() == 0 ? site : NULL, .user_file = user, .getenv = get_env };

	return wf_config_load(&from, err);
}

static void test_layers(void)
{
	struct wf_err err;
	struct wf_config *c = load(&err);

	ok(c != NULL, "no file at all is fine");
	ok(c && !c->executor && !c->run_root && c->local_cores == 0 && c->local_memory == 0, "then rules decide");
	is_int(c->idle_ms, 900000, "idle defaults to 15 minutes");
	is_int(c->lease_ms, 900000, "so does the lease");
	is_str(c->items[WF_CONFIG_IDLE].origin, "default", "and says so");
	wf_config_free(c);

	put(user, "# mine\nexecutor: local\nlocal:\n  cores: 1.5\n  memory: 512MiB\nidle: never\n");
	c = load(&err);
	ok(c != NULL, "a user's file");
	is_str(c->executor, "local", "executor");
	is_int(c->local_cores, 1500, "cores in thousandths");
	is_int((int64_t)c->local_memory, 512 << 20, "memory");
	is_int(c->idle_ms, 0, "never");
	has_str(c->items[WF_CONFIG_CORES].origin, "user /", "where it is from");
	wf_config_free(c);

	environment[0][0] = "WF_LOCAL_CORES";
	environment[0][1] = "4";
	environment[1][0] = "WF_EXECUTOR";
	environment[1][1] = "";
	c = load(&err);
	is_int(c->local_cores, 4000, "the environment wins");
	is_str(c->items[WF_CONFIG_CORES].origin, "environment WF_LOCAL_CORES", "by name");
	is_str(c->executor, "local", "an empty variable says nothing");
	wf_config_free(c);
}

static void test_site(void)
{
	struct wf_err err;
	struct wf_config *c;

	if (geteuid() != 0) {
		ok(1, "only root can try a site's file # SKIP");
		return;
	}
	put(site, "executor: slurm\nlocal: {nice: 5}\nlimits: {local: {cores: 2, memory: 1GiB, nice: 3}, idle: 1h, retention: 30d, lease: 20m}\n");
	chmod(site, 0644);
	c = load(&err);
	ok(c != NULL, "a site's file");
	is_str(c->executor, "local", "the user's word is above the site's default");
	is_int(c->local_cores, 2000, "but not above its limit");
	is_str(c->items[WF_CONFIG_CORES].origin, "site limit", "which is named");
	is_int((int64_t)c->local_memory, 512 << 20, "what is within the limit stays");
	is_int(c->local_nice, 5, "niceness: the site's default");
	is_int(c->idle_ms, 3600000, "never is beyond an hour");
	is_int(c->lease_ms, 1200000, "the site's limit is the least lease");
	is_int(c->retention_ms, 30ll * 86400000, "a default beyond the limit is brought back too");
	wf_config_free(c);

	chmod(site, 0666);
	ok(!load(&err) && err.code == WF_DENIED, "a site's file that others may write is refused");
	unlink(site);
}

static void wrong(const char *text, const char *want)
{
	struct wf_err err = { 0 };
	struct wf_config *c;

	put(user, text);
	c = load(&err);
	ok(!c && err.code == WF_INVALID, "refused: %s", want);
	has_str(err.text, want, "and says where and why");
	wf_config_free(c);
}

static void test_mistakes(void)
{
	environment[0][0] = NULL;
	wrong("idl: 1m\n", "config.yaml:1:1: unknown key 'idl'; did you mean 'idle'?");
	wrong("local: {core: 1}\n", ":1:9: unknown key 'core'; did you mean 'cores'?");
	wrong("local: 3\n", ":1:8: expected keys and values");
	wrong("local: {cores: many}\n", ":1:16: 'local.cores' must be a number of cores such as 4 or 1.5, not 'many'");
	wrong("local: {memory: 12 apples}\n", "'local.memory': '12 apples' is not a size");
	wrong("idle: 5\n", ":1:7: 'idle': '5' is a time without a unit");
	wrong("run_root: here\n", "'run_root' must be an absolute path, not 'here'");
	wrong("limits: {idle: 1h}\n", "'limits' is for the site's file");
	wrong("executor: [local]\n", "'executor' must be one value");
	wrong("idle: 1m\nidle: 2m\n", "idle");
	put(user, "# only words\n\n");
	environment[0][0] = "WF_LOCAL_NICE";
	environment[0][1] = "20";
	{
		struct wf_err err = { 0 };

		ok(!load(&err), "the environment is checked too");
		has_str(err.text, "WF_LOCAL_NICE: 'local.nice' must be a number from 0 to 19, not '20'", "by its name");
	}
}

int main(void)
{
	if (!mkdtemp(dir))
		bail("no temporary directory");
	site = wf_xasprintf("%s/site.yaml", dir);
	user = wf_xasprintf("%s/config.yaml", dir);
	test_layers();
	test_site();
	test_mistakes();
	wf_dir_remove(wf_os_posix(), dir, NULL);
	free(site);
	free(user);
	return done_testing();
}
