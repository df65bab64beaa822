services_SRC := \
	services/conn.c \
	services/host.c \
	services/launch.c \
	services/lines.c \
	services/ops.c \
	services/place.c \
	services/prepare.c \
	services/probe.c \
	services/probe_exec.c \
	services/probe_file.c \
	services/probe_http.c \
	services/probe_log.c \
	services/probe_net.c \
	services/probe_resp.c \
	services/process.c \
	services/render.c \
	services/resp.c \
	services/spec.c \
	services/stop.c \
	services/tail.c

PROGRAMS += wf-service
wf-service_MAIN := services/main.c
wf-service_FLOORS := services attempt wdf loop base
wf-service_LIBS := -luv -ljansson -lyaml -lpthread
