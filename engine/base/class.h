/* class.h - why an attempt ended: the closed list of machines.md, shared by the language (retry.classes),
 * the link, the machines and the API. Numbers are stored in events and sent over the link: append only. */
#ifndef WF_BASE_CLASS_H
#define WF_BASE_CLASS_H

/* A loss is not the task's fault: it has a limit of its own (3) beside the user's `retry`. */
#define WF_CLASSES(X)                                                                              \
	X(WF_CLASS_OK,               "ok",               0)                                         \
	X(WF_CLASS_EXIT,             "exit",             0)                                         \
	X(WF_CLASS_SIGNAL,           "signal",           0)                                         \
	X(WF_CLASS_TIMEOUT,          "timeout",          0)                                         \
	X(WF_CLASS_OUT_OF_MEMORY,    "out_of_memory",    0)                                         \
	X(WF_CLASS_OUTPUT_MISSING,   "output_missing",   0)                                         \
	X(WF_CLASS_OUTPUT_LIMIT,     "output_limit",     0)                                         \
	X(WF_CLASS_SETUP_FAILED,     "setup_failed",     0)                                         \
	X(WF_CLASS_LAUNCH_FAILED,    "launch_failed",    1)                                         \
	X(WF_CLASS_NODE_FAILURE,     "node_failure",     1)                                         \
	X(WF_CLASS_PREEMPTED,        "preempted",        1)                                         \
	X(WF_CLASS_AGENT_LOST,       "agent_lost",       1)                                         \
	X(WF_CLASS_SERVICE_FAILED,   "service_failed",   0)                                         \
	X(WF_CLASS_CANCELED,         "canceled",         0)                                         \
	X(WF_CLASS_CANCELED_OUTSIDE, "canceled_outside", 0)                                         \
	X(WF_CLASS_NEVER_SATISFIED,  "never_satisfied",  0)                                         \
	X(WF_CLASS_INPUT_MISSING,    "input_missing",    0)                                         \
	X(WF_CLASS_TEMPLATE_REFUSED, "template_refused", 0)

enum wf_class {
#define X(sym, name, loss) sym,
	WF_CLASSES(X)
#undef X
	WF_CLASS_COUNT
};

const char *wf_class_name(enum wf_class c);       /* "unknown" for a number this build does not know */
int wf_class_of(const char *name);                /* -1 when no class has that name */
int wf_class_is_loss(enum wf_class c);

#endif
