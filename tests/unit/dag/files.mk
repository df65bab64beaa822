UNIT_TESTS += \
	tests/unit/dag/encode_test.c \
	tests/unit/dag/estimate_test.c \
	tests/unit/dag/graph_test.c \
	tests/unit/dag/oracle_test.c \
	tests/unit/dag/parsed_test.c \
	tests/unit/dag/picture_test.c \
	tests/unit/dag/plan_test.c \
	tests/unit/dag/urgency_test.c
