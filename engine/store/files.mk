store_SRC := \
	engine/store/backup.c \
	engine/store/ballast.c \
	engine/store/batch.c \
	engine/store/commit.c \
	engine/store/compare.c \
	engine/store/copy.c \
	engine/store/db.c \
	engine/store/events.c \
	engine/store/fault_vfs.c \
	engine/store/migrate.c \
	engine/store/notes.c \
	engine/store/recover.c \
	engine/store/replica.c \
	engine/store/rows.c \
	engine/store/store.c \
	engine/store/tail.c \
	engine/store/tasks.c
