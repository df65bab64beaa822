UNIT_TESTS += \
	tests/unit/services/driver_test.c \
	tests/unit/services/host_test.c \
	tests/unit/services/probe_test.c \
	tests/unit/services/render_test.c \
	tests/unit/services/resp_test.c
