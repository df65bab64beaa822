base_SRC := \
	engine/base/buf.c \
	engine/base/class.c \
	engine/base/err.c \
	engine/base/fault.c \
	engine/base/hash.c \
	engine/base/host.c \
	engine/base/id.c \
	engine/base/json.c \
	engine/base/limits.c \
	engine/base/log.c \
	engine/base/os.c \
	engine/base/path.c \
	engine/base/unix.c
