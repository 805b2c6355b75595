package reports_test

import (
	"log"
	"os"
	"strings"

	"github.com/attnbench/attnbench/reports"
)

func Example() {
	const shape = "/isa=generic/mask=full/batch=1/heads=4/kvheads=4/qlen=512/kvlen=512/dim=64-2 20 "
	var records strings.Builder
	for _, ms := range []string{"9.1", "9.0", "9.3", "9.2", "9.1", "9.0"} {
		records.WriteString("BenchmarkAttention/kernel=naive" + shape + ms + "e6 ns/op 4194304 workspace-B\n")
		records.WriteString("BenchmarkAttention/kernel=flash" + shape + ms[:3] + "e5 ns/op 65536 workspace-B\n")
	}
	set, err := reports.Read(strings.NewReader(records.String()), "records.txt")
	if err != nil {
		log.Fatal(err)
	}
	if err := reports.WriteSummary(os.Stdout, set); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Time and memory: mask=full batch=1 heads=4 kvheads=4 dim=64 qlen=n threads=2
	//  n    kernel  isa            time/op       FLOP/s      of peak  workspace  of allowed error  vs naive
	// ──────────────────────────────────────────────────────────────────────────────────────────────────────
	//  512  flash   generic  910.0 µs ± 2%  unavailable  unavailable  64.00 KiB       unavailable    10.00×
	//  512  naive   generic  9.100 ms ± 2%  unavailable  unavailable  4.000 MiB       unavailable     1.00×
	//   unavailable: the records have no FLOP/s there
	//   unavailable: the records have no peak-ratio there
	//   unavailable: the records have no error-ratio there
}
