/* places.c - owns the places of an agent: cores and memory that tasks take, and starts that wait there until one is free.
 *
 * Between a task's end and the next start lie a commit and two wake-ups. Short tasks would spend more time on that than running, so while
 * all tasks at an agent need the same, a few milliseconds of work more than there is room for is sent: the agent starts the next one by
 * itself when one ends. Such a start has been decided, so work that gets ready later, though it may be better, comes after it; hence
 * only for tasks known to be short, and never past a task or service that waits for room.
 *
 * Invariant: with starts in the queue all tasks at the agent are alike, and the places taken stay as they are: one that ends gives
 * its place to the next.
 */
#include "engine/core/engine.h"

enum {
	COVER_US = 32000,              /* work that waits, per place */
	PACE_MIN_US = 250,             /* shorter ones count as this long */
	QUEUE_MAX = 4096,
};

void places_take(struct agent *a, uint32_t cores, uint64_t memory)
{
	if (!a->tasks) {
		a->like_cores = cores;
		a->like_memory = memory;
		a->mixed = 0;
	}
	a->mixed |= cores != a->like_cores || memory != a->like_memory;
	a->tasks++;
	a->cores_used += cores;
	a->memory_used += memory;
}

void places_free(struct agent *a, uint32_t cores, uint64_t memory)
{
	a->tasks--;
	if (a->queued) {
		a->queued--;
		return;
	}
	a->cores_used -= cores;
	a->memory_used -= memory;
}

int places_alike(const struct agent *a, uint32_t cores, uint64_t memory)
{
	return !a->mixed && cores == a->like_cores && memory == a->like_memory;
}

/* How many should wait: enough work to cover the way to the engine and back, at this pace. */
static uint32_t depth(const struct agent *a, uint32_t pace_us)
{
	uint64_t each = pace_us ? COVER_US / (pace_us < PACE_MIN_US ? PACE_MIN_US : pace_us) : 0;
	uint64_t n = each * (a->tasks - a->queued);

	return n > QUEUE_MAX ? QUEUE_MAX : (uint32_t)n;
}

int places_may_queue(struct agent *a, const struct instance *in, uint64_t memory)
{
	if (!a->tasks || a->waiting || !places_alike(a, in->cores, memory))
		return 0;
	a->depth = depth(a, in->pace_us);
	return a->queued < a->depth;
}

int places_are_covered(const struct engine *e)
{
	const struct agent *a = &e->local;
	/* Those it was sent, and has not started as far as we heard. */
	uint32_t sent = a->queued - e->open.queued - e->flying.queued;

	return a->state == AGENT_READY && a->queued >= e->open.queued + e->flying.queued && sent && sent * 2 >= a->depth;
}

uint32_t places_queue(struct agent *a, uint32_t cores, uint64_t memory)
{
	/* It was counted as if it had a place of its own. */
	a->cores_used -= cores;
	a->memory_used -= memory;
	a->queued++;
	return a->tasks - a->queued;
}

void places_pace(struct instance *in, int64_t ms)
{
	uint64_t us = ms < 0 ? 0 : ms > 1000000 ? 1000000000u : (uint64_t)ms * 1000;

	/* Never 0, which is "not known". */
	in->pace_us = in->pace_us ? (uint32_t)((in->pace_us * 15ull + us) / 16) | 1 : (uint32_t)us | 1;
}
