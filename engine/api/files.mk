api_SRC := \
	engine/api/api.c \
	engine/api/engine_api.c \
	engine/api/http.c \
	engine/api/problem.c \
	engine/api/request.c \
	engine/api/router.c \
	engine/api/runs_api.c \
	engine/api/submit_api.c \
	engine/api/tasks_api.c \
	engine/api/wait.c
