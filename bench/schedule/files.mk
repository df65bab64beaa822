# Card B10. The production core runs in the simulator's world, so its objects come from there.
BENCH_SCHEDULE_SRC := \
	bench/schedule/core.c \
	bench/schedule/list.c \
	bench/schedule/schedule.c \
	bench/schedule/work.c
BENCH_SCHEDULE_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(BENCH_SCHEDULE_SRC))
ALL_OBJ += $(BENCH_SCHEDULE_OBJ)

$(B)/bench/schedule: $(BENCH_SCHEDULE_OBJ) $(TEST_OBJ) $(SIM_OBJ) $(call lib,$(TEST_FLOORS))
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(WF_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(call lib,$(TEST_FLOORS)) -Wl,--end-group $(TEST_LIBS)
