dag_SRC := \
	dag/attach.c \
	dag/bits.c \
	dag/build.c \
	dag/cycle.c \
	dag/data.c \
	dag/decode.c \
	dag/dot.c \
	dag/encode.c \
	dag/estimate.c \
	dag/expand.c \
	dag/finding.c \
	dag/graph.c \
	dag/group.c \
	dag/joint.c \
	dag/json.c \
	dag/layout.c \
	dag/listing.c \
	dag/mermaid.c \
	dag/net.c \
	dag/path.c \
	dag/plan.c \
	dag/render.c \
	dag/scope.c \
	dag/verdict.c \
	dag/walk.c \
	dag/weight.c \
	dag/writers.c
