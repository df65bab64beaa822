/* control.h - what wf-service and the agent that started it say to each other
 *
 * One socket pair per member, made by the agent, inherited by wf-service as the descriptor that $WF_CONTROL_FD names (3). Both sides write
 * JSON objects, one per line, UTF-8, at most WF_CONTROL_LINE bytes with the newline. Unknown keys are ignored. The agent forwards
 * lines of the member as SIGNAL (events) and RESULT (answers) without reading more than `event` and `op_id`.
 *
 * End of file on this socket means that the agent died: wf-service then ends its member at once, removes its directories and exits.
 *
 * Member to agent, events (each about the generation named; each comes at most once in the order drawn, but for the pair at the right):
 *
 *     launched > joining > ready <-> suspect | unready > healthy        and from anywhere: leaving > stopped, or failed
 *
 *     {"event":"launched", "generation":G, "pid":P}                     the member's process runs
 *     {"event":"joining", "generation":G}                               its readiness is being probed
 *     {"event":"ready", "generation":G, "view":V, "pid":P, "address":A, "endpoint":{...}, "provides":{NAME:text}}
 *                                                                       all three of design.md 7 hold; endpoint_file is written
 *     {"event":"suspect", "generation":G, "reason":R}                   a health probe missed, fewer than `misses` in a row
 *     {"event":"unready", "generation":G, "reason":R}                   `misses` in a row: hung or out of reach; the process lives
 *     {"event":"healthy", "generation":G}                               a probe passed after suspect or unready
 *     {"event":"leaving", "generation":G, "reason":R}                   a stop was asked for and begins
 *     {"event":"stopped", "generation":G, "reason":R}                   ended as asked: no process and no directory is left; exit code 0 follows
 *     {"event":"failed", "generation":G, "reason":R, "exit":N | "signal":N, "left":[pid...]}
 *                                                                       ended by itself, never became ready, or could not be ended (`left`,
 *                                                                       then only); exit code 1 follows
 * `address` is the endpoint in one word (unix path, host:port), "" when the driver names none. `reason` is one line for a person.
 *
 * Agent to member, operations:
 *
 *     {"op_id":N, "op":"stop", "args":{}, "deadline_ms":M}              args.reason (optional) is passed on in `leaving`
 *     {"op_id":N, "op":"health", "args":{}, "deadline_ms":M}            one round of the health (else ready) probe, now
 *     {"op_id":N, "op":"observe", "args":{}, "deadline_ms":M}           what exists: state, pid, generation, endpoint, provides
 * Answered, exactly once per op_id, by
 *     {"op_id":N, "outcome":"ok|retry|rejected|partial|unknown", "result":{}, "after":ms, "reason":R}   (the last three when they apply)
 * An op that this version does not carry out, or the driver does not have, is rejected: nothing changed. `stop` answers when the member
 * has ended (after `stopped`). deadline_ms bounds the op: for `stop` the driver's waits are cut so that SIGKILL comes in time; 0 or absent: only
 * the driver's own. The host keeps its answers by op_id, so asking again is safe: the same op_id is answered the same, or, while it is under
 * way, once when it is done.
 *
 * SIGTERM to wf-service is a stop with WF_CONTROL_TERM_MS in all.
 */
#ifndef WF_SERVICES_CONTROL_H
#define WF_SERVICES_CONTROL_H

#define WF_CONTROL_ENV "WF_CONTROL_FD"
#define WF_CONTROL_LINE (1u << 20)
#define WF_CONTROL_TERM_MS 5000

#endif
