/* compare.c - owns the search for the first difference between a run as stored and the same run as
 * its events say.
 *
 * Every field of every struct stands in a table below with its name; a field added to a struct is
 * added there. Two different values are said in words, with the place.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/store/replica.h"

enum type { U8, U16, U32, I32, U64, I64, ID, TEXT };

struct field {
	const char *name;
	size_t at;
	enum type type;
};
#define F(type, member, kind) { #member, offsetof(struct type, member), kind }

static const struct field run_fields[] = {
	F(wf_run, number, U64),        F(wf_run, id, ID),          F(wf_run, state, U8),
	F(wf_run, cancel, U8),         F(wf_run, retries, U32),    F(wf_run, next_instance, U32),
	F(wf_run, name, TEXT),         F(wf_run, workflow, TEXT),  F(wf_run, file, TEXT),
	F(wf_run, key, TEXT),          F(wf_run, body_hash, TEXT), F(wf_run, executor, TEXT),
	F(wf_run, executor_why, TEXT), F(wf_run, workdir, TEXT),   F(wf_run, umask_bits, U32),
	F(wf_run, created_ms, I64),    F(wf_run, started_ms, I64), F(wf_run, ended_ms, I64),
	F(wf_run, seq, U64),           F(wf_run, list_failed, U8),    F(wf_run, succeeded, U32),
	F(wf_run, failed, U32),        F(wf_run, skipped, U32),       F(wf_run, canceled, U32),
	F(wf_run, limits, TEXT),
};
static const struct field task_fields[] = {
	F(wf_task, state, U8),       F(wf_task, astate, U8),      F(wf_task, class, U8),
	F(wf_task, flags, U8),       F(wf_task, attempt, U16),    F(wf_task, retries, U8),
	F(wf_task, losses, U8),      F(wf_task, exit, I32),       F(wf_task, pid, U32),
	F(wf_task, number, U64),     F(wf_task, started_ms, I64), F(wf_task, ended_ms, I64),
	F(wf_task, first_ms, I64),   F(wf_task, cpu_ms, U32),     F(wf_task, max_rss_kib, U32),
	F(wf_task, read_kib, U32),   F(wf_task, write_kib, U32),  F(wf_task, log, U64),
	F(wf_task, log_length, U32), F(wf_task, delay_ms, U32),
};
static const struct field service_fields[] = {
	F(wf_service, number, U32),   F(wf_service, state, U8),       F(wf_service, failing, U8),
	F(wf_service, held, U8),      F(wf_service, generation, U32), F(wf_service, view, U32),
	F(wf_service, restarts, U32), F(wf_service, target, U32),     F(wf_service, min, U32),
	F(wf_service, delay_ms, U32), F(wf_service, name, TEXT),      F(wf_service, reason, TEXT),
	F(wf_service, seq, U64),
};
static const struct field member_fields[] = {
	F(wf_member, service, U32),   F(wf_member, n, U32),       F(wf_member, state, U8),
	F(wf_member, class, U8),      F(wf_member, exit, I32),    F(wf_member, generation, U32),
	F(wf_member, pid, U32),       F(wf_member, number, U64),  F(wf_member, endpoint, TEXT),
	F(wf_member, provides, TEXT), F(wf_member, reason, TEXT), F(wf_member, seq, U64),
};
static const struct field lease_fields[] = {
	F(wf_lease, instance, U32), F(wf_lease, service, U32), F(wf_lease, state, U8),
	F(wf_lease, mode, U8),      F(wf_lease, view, U32),    F(wf_lease, seq, U64),
};

/* ---- one field ------------------------------------------------------------------------------- */

static void say(const struct field *f, const void *thing, char *out, size_t size)
{
	const void *p = (const char *)thing + f->at;

	switch (f->type) {
	case U8:
		snprintf(out, size, "%u", *(const uint8_t *)p);
		break;
	case U16:
		snprintf(out, size, "%u", *(const uint16_t *)p);
		break;
	case U32:
		snprintf(out, size, "%u", *(const uint32_t *)p);
		break;
	case I32:
		snprintf(out, size, "%d", *(const int32_t *)p);
		break;
	case U64:
		snprintf(out, size, "%llu", (unsigned long long)*(const uint64_t *)p);
		break;
	case I64:
		snprintf(out, size, "%lld", (long long)*(const int64_t *)p);
		break;
	case ID:
		WF_ASSERT(size > WF_ID_TEXT);
		wf_id_text(p, out);
		break;
	case TEXT:
		snprintf(out, size, "%s%s", *(char *const *)p ? "" : "(none)",
			 *(char *const *)p ? *(char *const *)p : "");
		break;
	}
}

static int is_equal(const struct field *f, const void *a, const void *b)
{
	const void *p = (const char *)a + f->at, *q = (const char *)b + f->at;
	static const size_t sizes[] = { [U8] = 1,
					[U16] = 2,
					[U32] = 4,
					[I32] = 4,
					[U64] = 8,
					[I64] = 8,
					[ID] = sizeof(struct wf_id) };
	const char *s, *t;

	if (f->type != TEXT)
		return memcmp(p, q, sizes[f->type]) == 0;
	s = *(char *const *)p;
	t = *(char *const *)q;
	return s == t || (s && t && strcmp(s, t) == 0);
}

static int differ(const struct field *f, size_t n, const void *stored, const void *derived,
		  const char *where, struct wf_buf *out)
{
	char a[256], b[256];

	for (size_t i = 0; i < n; i++) {
		if (is_equal(&f[i], stored, derived))
			continue;
		say(&f[i], stored, a, sizeof(a));
		say(&f[i], derived, b, sizeof(b));
		wf_buf_printf(out, "%s: '%s' is '%s' as stored, '%s' by the events", where,
			      f[i].name, a, b);
		return 1;
	}
	return 0;
}

/* ---- everything ------------------------------------------------------------------------------ */

static int compare_tasks(const struct replica *stored, const struct replica *derived,
			 struct wf_buf *out)
{
	size_t n = stored->instance_count > derived->instance_count ? stored->instance_count
								    : derived->instance_count;
	static const struct replica_instance none;

	for (size_t i = 0; i < n; i++) {
		const struct replica_instance *a =
			i < stored->instance_count ? &stored->instances[i] : &none;
		const struct replica_instance *b =
			i < derived->instance_count ? &derived->instances[i] : &none;
		char where[96];

		if (a->count != b->count) {
			wf_buf_printf(
				out,
				"run %llu, instance %zu: %u tasks are stored, %u by the events",
				(unsigned long long)derived->run.number, i, a->count, b->count);
			return 1;
		}
		for (uint32_t k = 0; k < a->count; k++) {
			if (memcmp(&a->tasks[k], &b->tasks[k], sizeof(a->tasks[k])) == 0)
				continue;
			snprintf(where, sizeof(where), "run %llu, instance %zu, index %u",
				 (unsigned long long)derived->run.number, i, k);
			return differ(task_fields, WF_COUNT(task_fields), &a->tasks[k],
				      &b->tasks[k], where, out);
		}
	}
	return 0;
}

static int compare_maps(const struct wf_idmap *stored, const struct wf_idmap *derived,
			const char *what, uint64_t run, const struct field *f, size_t n,
			struct wf_buf *out)
{
	char where[128];

	for (size_t i = 0; i < stored->cap; i++) {
		uint64_t key = stored->slots[i].key;
		const void *other = key ? wf_idmap_get(derived, key) : NULL;

		if (!key)
			continue;
		snprintf(where, sizeof(where), "run %llu, %s %u.%u", (unsigned long long)run, what,
			 (uint32_t)(key >> 32) - 1, (uint32_t)key);
		if (!other) {
			wf_buf_printf(out, "%s is stored, the events know none", where);
			return 1;
		}
		if (differ(f, n, stored->slots[i].value, other, where, out))
			return 1;
	}
	for (size_t i = 0; i < derived->cap; i++) {
		uint64_t key = derived->slots[i].key;

		if (key && !wf_idmap_get(stored, key)) {
			wf_buf_printf(out,
				      "run %llu, %s %u.%u is not stored, but the events know one",
				      (unsigned long long)run, what, (uint32_t)(key >> 32) - 1,
				      (uint32_t)key);
			return 1;
		}
	}
	return 0;
}

int replica_compare(const struct replica *stored, const struct replica *derived,
		    struct wf_buf *difference)
{
	uint64_t run = derived->run.number;
	char where[48];

	snprintf(where, sizeof(where), "run %llu", (unsigned long long)run);
	return differ(run_fields, WF_COUNT(run_fields), &stored->run, &derived->run, where,
		      difference) ||
	       compare_tasks(stored, derived, difference) ||
	       compare_maps(&stored->services, &derived->services, "service", run, service_fields,
			    WF_COUNT(service_fields), difference) ||
	       compare_maps(&stored->members, &derived->members, "member", run, member_fields,
			    WF_COUNT(member_fields), difference) ||
	       compare_maps(&stored->leases, &derived->leases, "lease", run, lease_fields,
			    WF_COUNT(lease_fields), difference);
}
