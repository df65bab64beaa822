# report.awk TASKS - one line per rod, and the order of convergence.
#
# TASKS is the file that {{ solve.tasks }} stands for: one JSON object per line and task, with its
# parameters, state and result. The table goes to convergence.tsv, the order to WF_RESULT.

function field(name,	text) {
	if (!match($0, "\"" name "\" *: *\"?[^,}\"]*"))
		return ""
	text = substr($0, RSTART, RLENGTH)
	sub(/^.*: *"?/, "", text)
	return text
}

BEGIN { print "cells\tratio\tstate\tsteps\terror" > "convergence.tsv" }

{
	cells = field("n")
	ratio = field("ratio")
	state = field("state")
	if (state == "succeeded") {
		error = field("error")
		print cells "\t" ratio "\t" state "\t" field("steps") "\t" error > "convergence.tsv"
		# the error falls as a power of the cells: the slope between coarsest and finest rod
		if (!(ratio in coarse) || cells + 0 < coarse[ratio]) {
			coarse[ratio] = cells + 0
			coarse_error[ratio] = error
		}
		if (cells + 0 > fine[ratio]) {
			fine[ratio] = cells + 0
			fine_error[ratio] = error
		}
	} else {
		print cells "\t" ratio "\t" state "\t-\t-" > "convergence.tsv"
		unstable++
	}
}

END {
	for (ratio in fine)
		if (fine[ratio] > coarse[ratio]) {
			sum += log(coarse_error[ratio] / fine_error[ratio]) / log(fine[ratio] / coarse[ratio])
			count++
		}
	if (!count) {
		print "no two rods to compare" > "/dev/stderr"
		exit 1
	}
	printf "order of convergence %.2f; %d rods unstable\n", sum / count, unstable
	if (ENVIRON["WF_RESULT"] != "")
		printf "{\"order\": %.4f, \"unstable\": %d}\n", sum / count, unstable > ENVIRON["WF_RESULT"]
}
