/*
 * resp.h - a very small client of Redis over its unix socket.
 *
 *	struct resp *db = resp_open(getenv("REDIS_SOCKET"));
 *	resp_send(db, 3, (const char *[]){ "HSET", "key", ... });	queued, sent when needed
 *	resp_send(...);
 *	resp_integer(db); resp_integer(db);				one answer per command, in order
 *	resp_close(db);
 *
 * An answer other than the one asked for, and a server that is silent for 30 s, end the program
 * with EX_TEMPFAIL: the store is at fault, not the data, and trying again may help.
 */
#ifndef CRACK_RESP_H
#define CRACK_RESP_H

struct resp;

struct resp *resp_open(const char *path);
void resp_close(struct resp *r);

void resp_send(struct resp *r, int argc, const char *const *argv);

/* Reads an answer that is a number, such as that of HSET. */
long resp_integer(struct resp *r);

/*
 * Reads an answer that is a list of strings, such as that of HGETALL, and returns how many; each is
 * given to take() in turn and lives only during the call.
 */
int resp_list(struct resp *r, void (*take)(void *to, int index, const char *text), void *to);

#endif
