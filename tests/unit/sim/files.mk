comma := ,

# The production engine in a simulated world, for the programs named here.
SIM_SRC := \
	tests/sim/channel.c \
	tests/sim/checks.c \
	tests/sim/checks_end.c \
	tests/sim/checks_log.c \
	tests/sim/client.c \
	tests/sim/engine_life.c \
	tests/sim/faults.c \
	tests/sim/files.c \
	tests/sim/files_db.c \
	tests/sim/files_os.c \
	tests/sim/host.c \
	tests/sim/plan.c \
	tests/sim/play.c \
	tests/sim/random.c \
	tests/sim/scenarios.c \
	tests/sim/time.c
SIM_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(SIM_SRC))
ALL_OBJ += $(SIM_OBJ)
SIM_TESTS := \
	tests/sim/follow_test.c \
	tests/sim/sim_test.c \
	tests/unit/core/backoff_test.c \
	tests/unit/core/batch_test.c \
	tests/unit/core/messages_test.c
UNIT_TESTS += $(SIM_TESTS) \
	tests/unit/core/offers_test.c \
	tests/unit/core/owner_test.c
SIM_BIN := $(patsubst %.c,$(B)/test/%,$(SIM_TESTS))
$(SIM_BIN): $(SIM_OBJ)
$(SIM_BIN): TEST_OBJ += $(SIM_OBJ)
# What the engine asks of its host by other doors than wf_os leads to tests/sim/host.c.
SIM_WRAPS := wf_host_name wf_host_boot_id wf_host_pid_namespace getpid wf_pid_start_time wf_pid_lives nanosleep open close flock
$(SIM_BIN): WF_LDFLAGS += $(patsubst %,-Wl$(comma)--wrap=%,$(SIM_WRAPS))

.PHONY: check-sim
check-sim: $(B)/test/tests/sim/sim_test ## 20,000 seeds in the simulator, and the bugs it has to find
	@WF_SIM_SEEDS=20000 $(RUN) -j 1 -t 14400 -n "simulator ($(B))" $(B)/test/tests/sim/sim_test tests/sim/bugs.sh
