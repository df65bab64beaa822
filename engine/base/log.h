/* log.h - lines for the operator; main sets where they go
 *
 * Log once, at the edge that decides to go on or stop. dag, base, state and wdf never log. A line names the
 * run, task and attempt it is about; what was ignored says so ("..., ignoring").
 */
#ifndef WF_BASE_LOG_H
#define WF_BASE_LOG_H

enum wf_log_level {
	WF_LOG_ERROR,   /* something was lost or refused and a person should look */
	WF_LOG_WARN,    /* we went on, but somebody would want to know */
	WF_LOG_INFO,    /* start, stop, recovery, a connection made or lost */
	WF_LOG_DEBUG,   /* each message and move; off unless asked for */
};

void wf_log(enum wf_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Lines go to fd (default 2) when their level is at most `level` (default WF_LOG_WARN). Control bytes are escaped. */
void wf_log_to(int fd, enum wf_log_level level, const char *program);

#endif
