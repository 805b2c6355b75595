package memory

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

var sources = []func() (bytes int64, ok bool){machine, group}

// machine is MemAvailable of proc(5).
func machine() (int64, bool) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kib); n == 1 {
			return kib << 10, true
		}
	}
	return 0, false
}

// group is what a control group (v2) leaves of its limit, as in a container.
func group() (int64, bool) {
	limit, ok := number("/sys/fs/cgroup/memory.max")
	if !ok {
		return 0, false
	}
	used, ok := number("/sys/fs/cgroup/memory.current")
	return limit - used, ok
}

func number(file string) (int64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil // "max" is no limit
}
