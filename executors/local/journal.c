/* journal.c - owns the agent's journal file: its records, its room, its replacement. Knows nothing of processes and links.
 *
 * The file is the bytes "wf-agent-journal 1\n" and records {u32 length, u32 crc32c, payload}; a length of zero is the end (the file is
 * allocated ahead). The first record is HEADER: whose journal it is, and where mark, epoch and cursors stood.
 */
#include "executors/local/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"

static const char magic[] = "wf-agent-journal 1\n";
enum {
	MAGIC = sizeof(magic) - 1,
	FRAME = 8,                     /* length and sum before a payload */
	CHUNK = 256 * 1024,            /* allocated at once */
	ENDING = 1024,                 /* RUNNING and ENDED with a reason of REASON_MAX */
	FILE_MAX = 1 << 30,
};

/* ---- records ------------------------------------------------------------------------------------------ */

/* Texts end with NUL in the file, so that they can be used where they lie. */
static void put_text(struct wf_buf *b, const char *s)
{
	if (!s)
		s = "";
	wf_put_bytes(b, s, strlen(s) + 1);
}

static const char *get_text(struct wf_rd *r)
{
	size_t n;
	const char *s = wf_get_bytes(r, &n);

	if (r->bad || n == 0 || s[n - 1] != '\0') {
		r->bad = 1;
		return "";
	}
	return s;
}

static const char *get_optional(struct wf_rd *r)
{
	const char *s = get_text(r);

	return *s ? s : NULL;
}

static void put_ref(struct wf_buf *b, const struct wf_attempt_ref *ref)
{
	wf_put_var(b, ref->number);
	wf_put_var(b, ref->key.run);
	wf_put_var(b, ref->key.instance);
	wf_put_var(b, ref->key.index);
	wf_put_var(b, ref->key.attempt);
	wf_put_u8(b, ref->key.kind);
}

static void get_ref(struct wf_rd *r, struct wf_attempt_ref *ref)
{
	ref->number = wf_get_var(r);
	ref->key.run = wf_get_var(r);
	ref->key.instance = (uint32_t)wf_get_var(r);
	ref->key.index = (uint32_t)wf_get_var(r);
	ref->key.attempt = (uint16_t)wf_get_var(r);
	ref->key.kind = wf_get_u8(r);
}

static void put_log(struct wf_buf *b, const struct wf_log_ref *l)
{
	wf_put_u8(b, l->where);
	wf_put_var(b, l->offset);
	wf_put_var(b, l->length);
}

static void get_log(struct wf_rd *r, struct wf_log_ref *l)
{
	l->where = wf_get_u8(r);
	l->offset = wf_get_var(r);
	l->length = wf_get_var(r);
}

static void put_payload(struct wf_buf *b, const struct journal *j, const struct record *r)
{
	const struct wf_ended *e = &r->ended;

	wf_put_u8(b, (uint8_t)r->type);
	switch (r->type) {
	case RECORD_HEADER:
		put_text(b, j->instance);
		put_text(b, wf_host_boot_id());
		wf_put_var(b, wf_host_pid_namespace());
		wf_put_var(b, j->mark);
		wf_put_var(b, j->epoch);
		wf_put_var(b, j->cursor);
		wf_put_var(b, j->acked);
		break;
	case RECORD_START:
		put_ref(b, &r->ref);
		put_text(b, r->token);
		put_text(b, r->log_dir);
		put_text(b, r->result_path);
		break;
	case RECORD_RUNNING:
		put_ref(b, &r->ref);
		wf_put_var(b, r->cursor);
		wf_put_var(b, r->pid);
		wf_put_var(b, r->ticks_from);
		wf_put_var(b, r->ticks_to);
		wf_put_zig(b, r->started_ms);
		break;
	case RECORD_ENDED:
		put_ref(b, &r->ref);
		wf_put_var(b, r->cursor);
		wf_put_u8(b, e->class);
		wf_put_zig(b, e->exit);
		wf_put_zig(b, e->started_ms);
		wf_put_zig(b, e->ended_ms);
		wf_put_var(b, e->usage.cpu_us);
		wf_put_var(b, e->usage.max_rss_kib);
		wf_put_var(b, e->usage.read_bytes);
		wf_put_var(b, e->usage.write_bytes);
		put_log(b, &e->out);
		put_log(b, &e->err);
		put_text(b, e->reason);
		put_text(b, r->result_in_file ? NULL : e->result);
		wf_put_u8(b, r->result_in_file);
		break;
	case RECORD_LOST:
		put_ref(b, &r->ref);
		wf_put_var(b, r->cursor);
		wf_put_u8(b, r->why);
		put_text(b, r->text);
		break;
	case RECORD_SIGNAL:
		put_ref(b, &r->ref);
		wf_put_var(b, r->cursor);
		put_text(b, r->text);
		break;
	case RECORD_ACK:
		wf_put_var(b, r->cursor);
		break;
	case RECORD_MARK:
	case RECORD_EPOCH:
		wf_put_var(b, r->value);
		break;
	}
}

static void put_record(struct journal *j, const struct record *r)
{
	struct wf_buf *b = &j->pending;
	size_t start = b->len;
	uint32_t n, crc;

	wf_put_u64(b, 0);
	put_payload(b, j, r);
	n = (uint32_t)(b->len - start - FRAME);
	crc = wf_crc32c(0, b->data + start + FRAME, n);
	for (int i = 0; i < 4; i++) {
		b->data[start + (size_t)i] = (char)(uint8_t)(n >> (8 * i));
		b->data[start + 4 + (size_t)i] = (char)(uint8_t)(crc >> (8 * i));
	}
}

/* The first one counts, and only as a whole: mark, epoch and cursors must never fall. */
static void get_header(struct wf_rd *r, struct journal *j)
{
	const char *instance = get_text(r), *boot_id = get_text(r);
	uint64_t pid_ns = wf_get_var(r), mark = wf_get_var(r), epoch = wf_get_var(r), cursor = wf_get_var(r), acked = wf_get_var(r);

	if (j->instance[0] || !*instance)
		r->bad = 1;
	if (r->bad)
		return;
	snprintf(j->instance, sizeof(j->instance), "%s", instance);
	snprintf(j->boot_id, sizeof(j->boot_id), "%s", boot_id);
	j->pid_ns = pid_ns;
	j->mark = mark;
	j->epoch = epoch;
	j->cursor = cursor;
	j->acked = acked;
}

/* 0, or -1 for a payload that this build cannot read. */
static int get_payload(struct journal *j, struct record *out, const void *p, size_t n)
{
	struct wf_ended *e = &out->ended;
	struct wf_rd r;

	memset(out, 0, sizeof(*out));
	wf_rd_init(&r, p, n);
	out->type = wf_get_u8(&r);
	switch (out->type) {
	case RECORD_HEADER:
		get_header(&r, j);
		break;
	case RECORD_START:
		get_ref(&r, &out->ref);
		out->token = get_text(&r);
		out->log_dir = get_text(&r);
		out->result_path = get_text(&r);
		if (out->ref.number > j->mark)
			j->mark = out->ref.number;
		break;
	case RECORD_RUNNING:
		get_ref(&r, &out->ref);
		out->cursor = wf_get_var(&r);
		out->pid = (uint32_t)wf_get_var(&r);
		out->ticks_from = wf_get_var(&r);
		out->ticks_to = wf_get_var(&r);
		out->started_ms = wf_get_zig(&r);
		break;
	case RECORD_ENDED:
		get_ref(&r, &out->ref);
		out->cursor = wf_get_var(&r);
		e->class = wf_get_u8(&r);
		e->exit = (int32_t)wf_get_zig(&r);
		e->started_ms = wf_get_zig(&r);
		e->ended_ms = wf_get_zig(&r);
		e->usage.cpu_us = wf_get_var(&r);
		e->usage.max_rss_kib = wf_get_var(&r);
		e->usage.read_bytes = wf_get_var(&r);
		e->usage.write_bytes = wf_get_var(&r);
		get_log(&r, &e->out);
		get_log(&r, &e->err);
		e->reason = get_optional(&r);
		e->result = get_optional(&r);
		out->result_in_file = wf_get_u8(&r);
		e->ref = out->ref;
		e->cursor = out->cursor;
		break;
	case RECORD_LOST:
		get_ref(&r, &out->ref);
		out->cursor = wf_get_var(&r);
		out->why = wf_get_u8(&r);
		out->text = get_text(&r);
		break;
	case RECORD_SIGNAL:
		get_ref(&r, &out->ref);
		out->cursor = wf_get_var(&r);
		out->text = get_text(&r);
		break;
	case RECORD_ACK:
		out->cursor = wf_get_var(&r);
		if (out->cursor > j->acked)
			j->acked = out->cursor;
		out->value = out->cursor;
		out->cursor = 0;
		break;
	case RECORD_MARK:
		out->value = wf_get_var(&r);
		if (out->value > j->mark)
			j->mark = out->value;
		break;
	case RECORD_EPOCH:
		out->value = wf_get_var(&r);
		if (out->value > j->epoch)
			j->epoch = out->value;
		break;
	default: /* of a later version */
		return -1;
	}
	/* There is always a next one. */
	if (out->cursor == UINT64_MAX)
		r.bad = 1;
	if (out->cursor >= j->cursor && !r.bad)
		j->cursor = out->cursor + 1;
	return r.bad ? -1 : 0;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

uint64_t journal_add(struct journal *j, struct record *r)
{
	int fact = r->type == RECORD_RUNNING || r->type == RECORD_ENDED || r->type == RECORD_LOST || r->type == RECORD_SIGNAL;

	if (fact)
		r->cursor = j->cursor++;
	if (r->type == RECORD_START && r->ref.number > j->mark)
		j->mark = r->ref.number;
	if (r->type == RECORD_MARK && r->value > j->mark)
		j->mark = r->value;
	if (r->type == RECORD_EPOCH)
		j->epoch = r->value;
	if (r->type == RECORD_ACK && r->cursor > j->acked)
		j->acked = r->cursor;
	put_record(j, r);
	return fact ? r->cursor : 0;
}

void journal_keep(struct journal *j, const struct record *r)
{
	put_record(j, r);
}

int journal_flush(struct journal *j, struct wf_err *err)
{
	int f;

	if (!j->pending.len)
		return 0;
	f = WF_FAULT("agent.journal.before");
	if (f < 0) { /* a short write: part of a record is on disk when we die */
		(void)wf_write_all(j->os, j->fd, j->pending.data, j->pending.len / 2, j->end);
		f = WF_FAULT("agent.journal.torn");
	}
	if (f > 0)
		errno = f;
	if (f > 0 || wf_write_all(j->os, j->fd, j->pending.data, j->pending.len, j->end) < 0) {
		wf_err_sys(err, "cannot write '%s'", j->path);
		if (!j->failing)
			wf_log(WF_LOG_ERROR, "cannot write '%s': %s; keeping it in memory", j->path, strerror(errno));
		j->failing = 1;
		return -1;
	}
	j->failing = 0;
	j->end += (off_t)j->pending.len;
	wf_buf_clear(&j->pending);
	(void)WF_FAULT("agent.journal.after");
	return 0;
}

size_t journal_ending(const char *result_path)
{
	return ENDING + (result_path ? strlen(result_path) : 0);
}

int journal_reserve(struct journal *j, size_t bytes, size_t room, struct wf_err *err)
{
	off_t need = j->end + (off_t)(j->pending.len + bytes + j->reserved + room + FRAME);

	if (need > j->room_end) {
		off_t want = need + CHUNK;

		if (WF_FAULT("agent.journal.room") || j->os->ops->fallocate(j->os->self, j->fd, j->room_end, want - j->room_end) < 0) {
			want = need;
			if (WF_FAULT("agent.journal.room") ||
			    j->os->ops->fallocate(j->os->self, j->fd, j->room_end, want - j->room_end) < 0)
				return wf_err_sys(err, "no room in the agent's journal '%s'", j->path);
		}
		j->room_end = want;
	}
	j->reserved += room;
	return 0;
}

void journal_give_back(struct journal *j, size_t room)
{
	j->reserved -= room;
}

/* ---- opening ------------------------------------------------------------------------------------------ */

static char *new_path(const struct journal *j)
{
	return wf_xasprintf("%s.new", j->path);
}

/* Of an agent that died while it wrote its journal anew: the old one is whole, and no other agent is here. */
static void drop_new(struct journal *j)
{
	char *path = new_path(j);

	if (j->os->ops->unlink(j->os->self, path) < 0 && errno != ENOENT)
		wf_log(WF_LOG_WARN, "cannot remove '%s': %s, ignoring", path, strerror(errno));
	free(path);
}

static int start_file(struct journal *j, int fd, struct wf_err *err)
{
	struct record header = { .type = RECORD_HEADER };

	j->fd = fd;
	j->end = 0;
	j->room_end = 0;
	wf_buf_clear(&j->pending);
	wf_buf_str(&j->pending, magic);
	put_record(j, &header);
	if (journal_reserve(j, 0, 0, err) < 0)
		return -1;
	return journal_flush(j, err);
}

static int create(struct journal *j, struct wf_err *err)
{
	uint8_t id[16];
	int fd;

	wf_os_random(j->os, id, sizeof(id));
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(j->instance + 2 * i, 3, "%02x", id[i]);
	snprintf(j->boot_id, sizeof(j->boot_id), "%s", wf_host_boot_id());
	j->pid_ns = wf_host_pid_namespace();
	j->cursor = 1;
	fd = j->os->ops->open(j->os->self, j->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return wf_err_sys(err, "cannot create '%s'", j->path);
	return start_file(j, fd, err);
}

/* Reads the records of `b`; returns the offset behind the last good one, 0 when this is no journal. */
static size_t load(struct journal *j, const struct wf_buf *b, void (*fn)(const struct record *r, void *arg), void *arg)
{
	size_t at = MAGIC;
	int header_seen = 0;

	if (b->len < MAGIC || memcmp(b->data, magic, MAGIC) != 0)
		return 0;
	while (b->len - at > FRAME) {
		struct wf_rd rd;
		struct record r;
		uint32_t n, crc;

		wf_rd_init(&rd, b->data + at, FRAME);
		n = wf_get_u32(&rd);
		crc = wf_get_u32(&rd);
		if (n == 0 || n > b->len - at - FRAME || wf_crc32c(0, b->data + at + FRAME, n) != crc)
			break;
		if (get_payload(j, &r, b->data + at + FRAME, n) == 0) {
			if (r.type == RECORD_HEADER)
				header_seen = 1;
			else if (header_seen)
				fn(&r, arg);
		} else {
			wf_log(WF_LOG_WARN, "'%s' has a record of type %d at %zu, ignoring it", j->path, (int)r.type, at);
		}
		if (!header_seen)
			return 0;
		at += FRAME + n;
	}
	return header_seen ? at : 0;
}

static int set_aside(struct journal *j, struct wf_err *err)
{
	char *to = wf_xasprintf("%s.bad.%lld", j->path, (long long)wf_os_wall_ms(j->os));
	int rc = j->os->ops->rename(j->os->self, j->path, to);

	if (rc < 0)
		wf_err_sys(err, "cannot set the damaged journal '%s' aside", j->path);
	else
		wf_log(WF_LOG_ERROR, "'%s' is no journal of an agent; it is now '%s'", j->path, to);
	free(to);
	return rc;
}

int journal_open(struct journal *j, struct wf_os *os, const char *dir, void (*fn)(const struct record *r, void *arg), void *arg,
		 struct wf_err *err)
{
	struct wf_buf b = { 0 };
	struct wf_err why = { 0 };
	struct stat st;
	size_t end;
	int rc;

	memset(j, 0, sizeof(*j));
	j->os = os;
	j->path = wf_xasprintf("%s/journal", dir);
	j->fd = j->old_fd = -1;
	drop_new(j);
	if (wf_file_read(os, j->path, FILE_MAX, &b, &why) < 0) {
		wf_buf_release(&b);
		if (why.code != WF_NOT_FOUND) {
			if (err)
				*err = why;
			return -1;
		}
		return create(j, err);
	}
	end = load(j, &b, fn, arg);
	wf_buf_release(&b);
	if (end == 0) {
		if (set_aside(j, err) < 0)
			return -1;
		j->mark = j->epoch = j->acked = 0;
		return create(j, err);
	}
	j->fd = os->ops->open(os->self, j->path, O_RDWR | O_NOFOLLOW, 0600);
	if (j->fd < 0 || os->ops->fstat(os->self, j->fd, &st) < 0)
		return wf_err_sys(err, "cannot open '%s'", j->path);
	/* Half a record at the end must not swallow the next one: give the tail back, and with it the room. */
	rc = os->ops->ftruncate(os->self, j->fd, (off_t)end);
	if (rc < 0)
		return wf_err_sys(err, "cannot cut '%s'", j->path);
	j->end = j->room_end = (off_t)end;
	return 0;
}

void journal_close(struct journal *j)
{
	struct wf_err err;

	if (j->fd >= 0) {
		(void)journal_flush(j, &err);
		j->os->ops->close(j->os->self, j->fd);
	}
	wf_buf_release(&j->pending);
	free(j->path);
}

/* ---- compaction --------------------------------------------------------------------------------------- */

static void back_to_old(struct journal *j)
{
	char *path = new_path(j);

	j->os->ops->close(j->os->self, j->fd);
	(void)j->os->ops->unlink(j->os->self, path);
	free(path);
	wf_buf_clear(&j->pending);
	j->fd = j->old_fd;
	j->end = j->old_end;
	j->room_end = j->old_room_end;
	j->old_fd = -1;
}

int journal_compact_begin(struct journal *j, struct wf_err *err)
{
	struct wf_os *os = j->os;
	char *path;
	int fd;

	if (journal_flush(j, err) < 0)
		return -1;
	path = new_path(j);
	fd = os->ops->open(os->self, path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	free(path);
	if (fd < 0)
		return wf_err_sys(err, "cannot write a new journal beside '%s'", j->path);
	j->old_fd = j->fd;
	j->old_end = j->end;
	j->old_room_end = j->room_end;
	if (start_file(j, fd, err) < 0) {
		back_to_old(j);
		return -1;
	}
	return 0;
}

int journal_compact_end(struct journal *j, struct wf_err *err)
{
	char *path = new_path(j);
	int rc = -1;

	if (journal_reserve(j, 0, 0, err) < 0 || journal_flush(j, err) < 0)
		goto out;
	if (WF_FAULT("agent.rename.before") || j->os->ops->rename(j->os->self, path, j->path) < 0) {
		wf_err_sys(err, "cannot replace '%s'", j->path);
		goto out;
	}
	(void)WF_FAULT("agent.rename.after");
	rc = 0;
out:
	if (rc < 0) {
		back_to_old(j);
	} else {
		j->os->ops->close(j->os->self, j->old_fd);
		j->old_fd = -1;
	}
	free(path);
	return rc;
}
