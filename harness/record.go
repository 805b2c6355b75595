package harness

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/perf/benchfmt"
)

// The units of the metrics of an attention record, in their order. The first
// is written as ns/op, as `go test` does, and read back as sec/op.
const (
	UnitTime       = "sec/op"
	UnitRate       = "FLOP/s"       // useful work: 4·headDim for each visible pair
	UnitPeakShare  = "peak-ratio"   // of the peak of the record's ISA with as many threads
	UnitWorkspace  = "workspace-B"  // bytes beyond inputs and outputs
	UnitCompulsory = "compulsory-B" // bytes that any kernel must move: operands and output, once each
	UnitBytes      = "B/op"
	UnitAllocs     = "allocs/op"
	UnitErrorRatio = "error-ratio"  // error as a share of what the verification allows
	UnitBandwidth  = "B/s"          // of a Peak record, and of K and V where few queries stream them
	UnitReadShare  = "read-ratio"   // of the rate at which as many bytes are read again and again, beside UnitBandwidth
	UnitUpload     = "upload-sec"   // of a device's operands, beside the time
	UnitDownload   = "download-sec" // of its output
)

// Units returns the metadata that tells readers which direction is better and
// which metrics do not vary from sample to sample.
func Units() []*benchfmt.UnitMetadata {
	var list []*benchfmt.UnitMetadata
	add := func(unit, key, value string) {
		list = append(list, &benchfmt.UnitMetadata{
			UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: unit, Key: key}, OrigUnit: unit, Value: value,
		})
	}
	add(UnitRate, "better", "higher")
	add(UnitPeakShare, "better", "higher")
	add(UnitBandwidth, "better", "higher")
	add(UnitReadShare, "better", "higher")
	for _, unit := range []string{UnitWorkspace, UnitCompulsory, UnitErrorRatio} {
		add(unit, "better", "lower")
		add(unit, "assume", "exact")
	}
	return list
}

// Records returns a record for each sample of each result that did not fail,
// all with the configuration config. A share of the peak that is not known is
// left out; peaks may be nil.
func Records(results []Result, peaks *Peaks, config []benchfmt.Config) []*benchfmt.Result {
	var records []*benchfmt.Result
	for i := range results {
		r := &results[i]
		if r.Failed() != nil {
			continue
		}
		for _, s := range r.Samples {
			records = append(records, &benchfmt.Result{
				Config: append(slices.Clone(config), fileConfig("input", r.Case.Input.Name())),
				Name:   benchfmt.Name(fmt.Sprintf("%s-%d", r.Name(), r.Threads)),
				Iters:  s.Iterations,
				Values: append([]benchfmt.Value{TimeValue(s.Seconds())}, r.Metrics(s.Seconds(), peaks)...),
			})
		}
	}
	return records
}

// Metrics returns what a record has beside its time, given that time in
// seconds. Peaks may be nil.
func (r *Result) Metrics(seconds float64, peaks *Peaks) []benchfmt.Value {
	rate := float64(r.Case.Problem.FLOPs()) / seconds
	values := []benchfmt.Value{{Value: Round(rate), Unit: UnitRate}}
	if peaks != nil {
		if share, ok := peaks.Share(r.ISA, rate); ok {
			values = append(values, benchfmt.Value{Value: Round(share), Unit: UnitPeakShare})
		}
	}
	if r.Case.streams() {
		bytes := r.Case.streamed()
		rate := float64(bytes) / seconds
		values = append(values, benchfmt.Value{Value: Round(rate), Unit: UnitBandwidth})
		elsewhere := r.Upload > 0 // in a device's memory, measured or not
		if peaks != nil && peaks.ReadOf[bytes] > 0 && !elsewhere && !peaks.OnDevice(r.ISA) {
			values = append(values, benchfmt.Value{Value: Round(rate / peaks.ReadOf[bytes]), Unit: UnitReadShare})
		}
	}
	values = append(values,
		benchfmt.Value{Value: float64(r.Workspace), Unit: UnitWorkspace},
		benchfmt.Value{Value: float64(r.Case.Problem.CompulsoryBytes()), Unit: UnitCompulsory},
		benchfmt.Value{Value: r.BytesPerOp, Unit: UnitBytes},
		benchfmt.Value{Value: r.AllocsPerOp, Unit: UnitAllocs},
		benchfmt.Value{Value: Round(r.Verdict.Ratio), Unit: UnitErrorRatio})
	if r.Upload > 0 {
		values = append(values,
			benchfmt.Value{Value: Round(r.Upload.Seconds()), Unit: UnitUpload},
			benchfmt.Value{Value: Round(r.Download.Seconds()), Unit: UnitDownload})
	}
	return values
}

// TimeValue returns the metric of a time per operation, written as ns/op.
func TimeValue(seconds float64) benchfmt.Value {
	return benchfmt.Value{Value: Round(seconds), Unit: UnitTime, OrigValue: Round(seconds * 1e9), OrigUnit: "ns/op"}
}

// Round returns x to six digits, which is more than a clock can tell.
func Round(x float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
	if err != nil {
		return x
	}
	return rounded
}

// Records returns a record for each sample of each limit.
//
// Note: they are not among the configuration keys of results. They differ a
// little in every run, and benchstat puts results whose configuration differs
// into separate tables: no two runs would be compared.
func (p *Peaks) Records(config []benchfmt.Config) []*benchfmt.Result {
	var records []*benchfmt.Result
	add := func(name, unit string, median float64, samples []float64) {
		if len(samples) == 0 && median > 0 {
			samples = []float64{median}
		}
		for _, value := range samples {
			records = append(records, &benchfmt.Result{
				Config: slices.Clone(config),
				Name:   benchfmt.Name(fmt.Sprintf("Peak/%s-%d", name, p.Threads)),
				Iters:  1,
				Values: []benchfmt.Value{{Value: Round(value), Unit: unit}},
			})
		}
	}
	for _, isa := range slices.Sorted(maps.Keys(p.FLOPs)) {
		add("resource=fma/isa="+isa, UnitRate, p.FLOPs[isa], p.samples[limit{isa: isa}])
	}
	add("resource=read", UnitBandwidth, p.Read, p.samples[limit{}])
	for _, bytes := range slices.Sorted(maps.Keys(p.ReadOf)) {
		add(fmt.Sprintf("resource=reread/bytes=%d", bytes), UnitBandwidth, p.ReadOf[bytes], p.samples[limit{bytes: bytes}])
	}
	add("resource=device-read", UnitBandwidth, p.DeviceRead, nil)
	return records
}
