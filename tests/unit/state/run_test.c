/* A run's facts as they go into an event and come back, its invariant through random events, and damage in its facts. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/state/things.h"
#include "tests/tap/tap.h"

static void test_facts(void)
{
	struct wf_run r = { .umask_bits = 027, .name = wf_xstrdup("crack \"1\""), .workflow = wf_xstrdup("crack"), .file = wf_xstrdup("a/b.yaml"),
			    .key = wf_xstrdup("k"), .body_hash = wf_xstrdup("00ff"), .executor = wf_xstrdup("local"),
			    .executor_why = wf_xstrdup("asked for"), .workdir = wf_xstrdup("/tmp/\xc3\xa9"),
			    .limits = wf_xstrdup("nofile=777:unlimited") };
	struct wf_run back = { .name = wf_xstrdup("old"), .key = wf_xstrdup("old") };
	struct wf_err err;
	json_t *facts, *again;
	char *a, *b;

	memset(r.id.byte, 7, sizeof(r.id.byte));
	facts = wf_run_facts(&r);
	is_int(wf_run_from_facts(&back, facts, &err), 0, "facts are read back");
	again = wf_run_facts(&back);
	a = json_dumps(facts, JSON_SORT_KEYS);
	b = json_dumps(again, JSON_SORT_KEYS);
	is_str(b, a, "and are the same");
	free(a);
	free(b);
	json_object_del(facts, "key");
	is_int(wf_run_from_facts(&back, facts, &err), 0, "an absent fact");
	ok(!back.key, "is absent");
	json_object_set_new(facts, "id", json_string("nonsense"));
	is_int(wf_run_from_facts(&back, facts, &err), -1, "a damaged id is refused");
	is_str(err.text, "'nonsense' is not a run id", "with a sentence");
	json_object_del(facts, "id");
	is_int(wf_run_from_facts(&back, facts, &err), -1, "so is none");
	json_decref(facts);
	json_decref(again);
	wf_run_release(&r);
	wf_run_release(&back);
	ok(!r.name && !r.workdir, "released");
}

static void test_damage(void)
{
	static const char *const texts[] = { "", "{", "[]", "{\"id\": 3}", "{\"id\": \"x\"}", "{\"umask\": \"a\"}" };
	struct wf_err err;

	for (size_t i = 0; i < WF_COUNT(texts); i++) {
		struct wf_run r = { 0 };
		struct wf_event e = { .kind = WF_E_RUN_SUBMITTED, .text = { { texts[i], (uint32_t)strlen(texts[i]) } } };

		is_int(wf_run_update(&r, &e, &err), -1, "facts '%s' are refused", texts[i]);
		is_int(r.state, WF_RUN_PENDING, "and the run is as it was");
		wf_run_release(&r);
	}
}

static void test_walks(void)
{
	static const uint8_t kinds[] = { WF_E_RUN_ADMITTED, WF_E_RUN_PAUSED, WF_E_RUN_RESUMED, WF_E_RUN_CANCELING, WF_E_RUN_CLOSING,
					 WF_E_RUN_SUCCEEDED, WF_E_RUN_FAILED, WF_E_RUN_CANCELED, WF_E_RUN_RETRIED, WF_E_RUN_LIST_FAILED };
	uint64_t seed = 1;
	unsigned bad = 0, changed = 0, over = 0;

	for (int walk = 0; walk < 200; walk++) {
		struct wf_run r = { 0 };

		for (int i = 1; i < 200; i++) {
			struct wf_event e = { .seq = (uint64_t)i, .at = i * 10 };
			struct wf_run before = r;

			seed = seed * 6364136223846793005u + 1442695040888963407u;
			e.kind = kinds[(seed >> 33) % WF_COUNT(kinds)];
			if (wf_run_update(&r, &e, NULL) < 0) {
				changed += memcmp(&before, &r, sizeof(r)) != 0;
				continue;
			}
			over += (unsigned)wf_run_is_over(&r);
			bad += wf_run_is_over(&r) != (r.ended_ms != 0);
			bad += r.cancel != (r.state == WF_RUN_CANCELING || r.state == WF_RUN_CANCELED_);
			bad += r.seq != e.seq;
		}
	}
	ok(over > 500, "runs ended %u times", over);
	is_int(bad, 0, "an end has a time, a cancel a flag");
	is_int(changed, 0, "a refused event changes nothing");
}

int main(void)
{
	test_facts();
	test_damage();
	test_walks();
	return done_testing();
}
