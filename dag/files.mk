dag_SRC := \
	dag/bits.c \
	dag/build.c \
	dag/cycle.c \
	dag/data.c \
	dag/expand.c \
	dag/finding.c \
	dag/graph.c \
	dag/group.c \
	dag/net.c \
	dag/path.c \
	dag/plan.c \
	dag/scope.c \
	dag/verdict.c \
	dag/weight.c
