link_SRC := \
	engine/link/channel.c \
	engine/link/launch.c \
	engine/link/output.c \
	engine/link/pair.c \
	engine/link/wire.c
