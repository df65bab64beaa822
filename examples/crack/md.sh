#!/bin/sh
# md.sh ARGUMENTS... - LAMMPS on one core: no helper daemon of Open MPI, no log beside stdout.
# With CRACK_LEDGER set it notes its start there, as the programs of src/ do.
set -eu
if [ -n "${CRACK_LEDGER:-}" ]; then
	echo "${WF_STEP:-md} ${WF_INDEX:--} ${WF_ATTEMPT:--} md.sh" >> "$CRACK_LEDGER"
fi
export OMP_NUM_THREADS=1 OMPI_MCA_ess_singleton_isolated=1
exec lmp -sf opt -log none "$@"
