loop_SRC := \
	engine/loop/loop.c \
	engine/loop/uv.c
