/* fault.h - named fault points, compiled out of release builds
 *
 * WF_FAULT("store.commit.before") marks a place where a process may die or an operation may fail:
 * before and after every commit, rename, link, fsync, spawn and message (tests/lint/faults.sh looks that they are there).
 * It yields 0, or the errno that the test asked for; the caller then behaves as if the operation had failed with it.
 *
 * In builds with -DWF_FAULTS the points register themselves in a linker section, so that a sweep
 * knows them all (wf_fault_list), and read WF_FAULT from the environment:
 *     WF_FAULT="[program/]name[:hit]=action[,...]"      action: kill | late | exit | stop | err:<errno> | short
 * hit counts from 1 in this process; without it every hit acts. `kill` is SIGKILL to ourselves, `late` the same after
 * a while in which the other threads go on. `program` is the name of the
 * executable (wf-engine); without it every program acts that inherits the variable.
 * WF_FAULT_ONCE=DIR makes the entries a sequence: each acts once among all processes, after those before it, and whoever acts leaves
 * DIR/<its place, from 1>.
 * WF_FAULT_LOG=FILE appends "name hit program" per hit (O_APPEND, one write), for the first pass of a sweep.
 */
#ifndef WF_BASE_FAULT_H
#define WF_BASE_FAULT_H

#ifdef WF_FAULTS
struct wf_fault_point {
	const char *name;
	unsigned hits;
};
int wf_fault_hit(struct wf_fault_point *p);
/* Call fn for every point linked into this program. */
void wf_fault_list(void (*fn)(const char *name, void *arg), void *arg);
/* Name of an action that asks for a short write at the last hit (WF_FAULT returned -1). */
#define WF_FAULT(nm)                                                                               \
	({                                                                                         \
		static struct wf_fault_point point = { (nm), 0 };                                  \
		static struct wf_fault_point *entry                                                \
			__attribute__((section("wf_faults"), used)) = &point;                      \
		(void)entry;                                                                       \
		wf_fault_hit(&point);                                                              \
	})
#else
#define WF_FAULT(nm) 0
#endif

#endif
