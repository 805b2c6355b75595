package harness

import (
	"bufio"
	"os"
	"strings"
)

// cpuName returns the processor's name as the kernel has it, which on amd64 is
// what `go test` prints too.
func cpuName() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return unavailable
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return unavailable
}
