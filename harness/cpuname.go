package harness

// cpuName returns the processor's name as `go test` prints it, so that
// benchstat finds its results and ours alike; or that it is unavailable.
func cpuName() string {
	if name := brand(); name != "" {
		return name
	}
	if name := systemCPUName(); name != "" {
		return name
	}
	return unavailable + ": the system does not tell"
}
