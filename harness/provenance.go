package harness

import (
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"

	"golang.org/x/perf/benchfmt"
)

// unavailable is the value of what cannot be had, followed by the reason.
const unavailable = "unavailable"

// pkg is the import path under which `go test` reports the same benchmarks.
const pkg = "github.com/attnbench/attnbench"

// Provenance returns the configuration of records that are made here and now:
// first what two runs of the same measurement share, as file configuration,
// then what may differ between them.
//
// Note: the second part is marked internal, and written as comments in the
// benchmark format. As keys, a commit or a peak would keep benchstat from
// comparing any two runs, which is what they are for.
func Provenance(seed uint64, peaks *Peaks) []benchfmt.Config {
	list := []benchfmt.Config{
		fileConfig("goos", runtime.GOOS),
		fileConfig("goarch", runtime.GOARCH),
		fileConfig("pkg", pkg),
		fileConfig("cpu", cpuName()),
		fileConfig("seed", strconv.FormatUint(seed, 10)),
		Note("go", runtime.Version()),
		Note("commit", commit()),
	}
	if t := setting("vcs.time"); t != "" {
		list = append(list, Note("commit-time", t))
	}
	if peaks == nil {
		return list
	}
	for _, isa := range slices.Sorted(maps.Keys(peaks.FLOPs)) {
		list = append(list, Note("peak-"+isa, fmt.Sprintf("%.4g FLOP/s", peaks.FLOPs[isa])))
	}
	if peaks.Device != "" {
		list = append(list, Note("device", peaks.Device))
	}
	if peaks.Read > 0 {
		list = append(list, Note("peak-read", fmt.Sprintf("%.4g B/s", peaks.Read)))
	}
	for _, what := range slices.Sorted(maps.Keys(peaks.Unavailable)) {
		list = append(list, Note("peak-"+what, unavailable+": "+peaks.Unavailable[what]))
	}
	return list
}

func fileConfig(key, value string) benchfmt.Config {
	return benchfmt.Config{Key: key, Value: []byte(value), File: true}
}

// Note returns a remark, which no comparison looks at. Callers may add some to
// a Provenance, such as why a run is incomplete.
func Note(key, value string) benchfmt.Config {
	return benchfmt.Config{Key: key, Value: []byte(value)}
}

// commit returns the revision that the binary was built from.
func commit() string {
	if _, ok := debug.ReadBuildInfo(); !ok {
		return unavailable + ": the binary has no build information"
	}
	revision := setting("vcs.revision")
	if revision == "" {
		return unavailable + ": the binary was not built in a repository"
	}
	if setting("vcs.modified") == "true" {
		revision += "-dirty"
	}
	return revision
}

// setting returns what the toolchain noted in the binary under a key, or "".
func setting(key string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
