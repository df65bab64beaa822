/* helper.h - the programs that members of host_test run: host_test MODE ARGS... is one of them
 *
 *   listen PORT          accepts connections on the loopback address until it is told to end
 *   deaf PORT            the same, ignoring SIGTERM
 *   http PORT            answers GET /health, ends at GET /quit, ignores SIGTERM
 *   daemon PORT          goes into the background (new session, parent ends with 0) and listens there
 *   pair PORT            listens, and leaves a second process in the background beside it
 *   late FILE PORT       fails with "Address already in use" the first time (FILE is not there yet), then listens
 *   unix PATH            listens on a unix socket
 *   fail CODE TEXT       says TEXT on stderr and ends with CODE
 */
#ifndef WF_TESTS_SERVICES_HELPER_H
#define WF_TESTS_SERVICES_HELPER_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static int listener(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	a.sin_port = htons((uint16_t)atoi(port));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0)
		die("bind");
	return fd;
}

static void accept_all(int fd)
{
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c >= 0)
			close(c);
	}
}

static void serve_http(int fd)
{
	static const char answer[] = "HTTP/1.0 200 OK\r\n\r\nwell";
	char request[4096];

	for (;;) {
		int c = accept(fd, NULL, NULL);
		ssize_t n = read(c, request, sizeof(request) - 1);

		request[n > 0 ? n : 0] = '\0';
		if (write(c, answer, sizeof(answer) - 1) < 0)
			die("write");
		close(c);
		if (strncmp(request, "GET /quit", 9) == 0)
			exit(0);
	}
}

static void background(void)
{
	if (fork())
		return;
	setsid();
	if (fork())
		exit(0);
}

static int helper_main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "";
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (strcmp(mode, "listen") == 0) {
		accept_all(listener(arg));
	} else if (strcmp(mode, "deaf") == 0) {
		signal(SIGTERM, SIG_IGN);
		accept_all(listener(arg));
	} else if (strcmp(mode, "http") == 0) {
		signal(SIGTERM, SIG_IGN);
		serve_http(listener(arg));
	} else if (strcmp(mode, "daemon") == 0) {
		if (fork() == 0) {
			setsid();
			if (fork() == 0)
				accept_all(listener(arg));
			exit(0);
		}
		return 0;
	} else if (strcmp(mode, "pair") == 0) {
		pid_t parent = getpid();

		background();
		if (getpid() != parent)
			for (;;)
				pause();
		accept_all(listener(arg));
	} else if (strcmp(mode, "late") == 0) {
		if (access(arg, F_OK) < 0) {
			close(open(arg, O_CREAT | O_WRONLY, 0600));
			fprintf(stderr, "bind: Address already in use\n");
			return 1;
		}
		accept_all(listener(argv[3]));
	} else if (strcmp(mode, "unix") == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", arg);
		if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 16) < 0)
			die("bind");
		accept_all(fd);
	} else if (strcmp(mode, "fail") == 0) {
		fprintf(stderr, "starting\n%s\n", argc > 3 ? argv[3] : "");
		return atoi(arg);
	}
	return 2;
}

#endif
