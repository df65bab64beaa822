# heat.awk - heat in a rod whose ends are kept cold, by the explicit scheme.
#
#	awk -v cells=N -v ratio=R -f heat.awk
#
# The rod has length 1 and begins as a triangle of height 1; N cells; R is dt/dx^2. The profile at
# the end goes to profile.tsv, and what is worth comparing to the file named by WF_RESULT. Above
# R = 1/2 the scheme is unstable: a rod that grows hotter by itself ends the program with code 3.

function absolute(x) { return x < 0 ? -x : x }

# The exact temperature at x and time t, by Fourier's series.
function exact(x, t,	k, sum, sign) {
	sign = 1
	for (k = 1; k < 100; k += 2) {
		sum += sign * 8 / (pi * k) ^ 2 * sin(k * pi * x) * exp(-(k * pi) ^ 2 * t)
		sign = -sign
	}
	return sum
}

BEGIN {
	pi = atan2(0, -1)
	end = 0.2
	dx = 1 / cells
	steps = int(end * cells * cells / ratio + 0.999999)
	dt = end / steps
	for (i = 0; i <= cells; i++)
		u[i] = 1 - absolute(2 * i / cells - 1)
	hottest = 1
	for (n = 1; n <= steps; n++) {
		left = u[0]
		now = 0
		for (i = 1; i < cells; i++) {
			here = u[i]
			u[i] += dt / dx ^ 2 * (left - 2 * here + u[i + 1])
			left = here
			if (absolute(u[i]) > now)
				now = absolute(u[i])
		}
		if (now > hottest * (1 + 1e-12)) {
			printf "unstable: the rod grows hotter in step %d of %d\n", n, steps > "/dev/stderr"
			exit 3
		}
		hottest = now
	}
	for (i = 0; i <= cells; i++) {
		e = absolute(u[i] - exact(i / cells, end))
		if (e > error)
			error = e
		printf "%.6f\t%.8f\n", i / cells, u[i] > "profile.tsv"
	}
	printf "%d cells, ratio %g: %d steps, error %.3e\n", cells, ratio, steps, error
	if (ENVIRON["WF_RESULT"] != "")
		printf "{\"error\": %.6e, \"steps\": %d}\n", error, steps > ENVIRON["WF_RESULT"]
}
