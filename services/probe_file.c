/* probe_file.c - owns the probe `file`: a file is there; with `newer: start`, written since the member started; with `lines`, at least so
 * long; with `path` and `expect`, JSON with that value; with `expect` alone, containing that text.
 *
 * "Since the start" is told by comparing with what was there before (inode, size, times): clocks of file systems differ from ours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/probe_internal.h"

enum { READ_MAX = 16 << 20 };

struct file {
	int was_there;
	struct stat before;
};

static int create(struct probe *p, struct wf_err *err)
{
	struct file *f = wf_xcalloc(1, sizeof(*f));

	p->impl = f;
	if (!probe_value(p) || probe_value(p)[0] != '/')
		return wf_errf(err, WF_INVALID, "an absolute path is expected");
	f->was_there = stat(probe_value(p), &f->before) == 0;
	return 0;
}

static int is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void look_inside(struct probe *p)
{
	json_t *lines = json_object_get(p->json, "lines");
	struct wf_buf text = { 0 };
	struct wf_err err;
	long long have = 0;

	if (wf_file_read(p->ctx->os, probe_value(p), READ_MAX, &text, &err) < 0) {
		probe_answer(p, 0, "%s", err.text);
		wf_buf_release(&text);
		return;
	}
	for (size_t i = 0; i < text.len; i++)
		have += text.data[i] == '\n';
	if (lines && have < json_integer_value(lines))
		probe_answer(p, 0, "%lld lines, expected %lld", have, (long long)json_integer_value(lines));
	else if (json_object_get(p->json, "path"))
		probe_expect_json(p, wf_buf_cstr(&text), text.len);
	else
		probe_expect(p, wf_buf_cstr(&text), text.len, PROBE_CONTAINED);
	wf_buf_release(&text);
}

static void start(struct probe *p)
{
	struct file *f = p->impl;
	struct stat now;

	if (stat(probe_value(p), &now) < 0)
		probe_answer(p, 0, "%s", errno == ENOENT ? "not there" : strerror(errno));
	else if (json_object_get(p->json, "newer") && f->was_there && is_same(&f->before, &now))
		probe_answer(p, 0, "not written since the start");
	else if (json_object_get(p->json, "lines") || json_object_get(p->json, "path") || json_object_get(p->json, "expect"))
		look_inside(p);
	else
		probe_answer(p, 1, "there");
}

static void stop(struct probe *p)
{
	(void)p;
}

static void destroy(struct probe *p)
{
	free(p->impl);
}

const struct probe_kind probe_file = {
	.name = "file",
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
};
