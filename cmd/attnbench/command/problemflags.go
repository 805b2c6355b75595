package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// problemFlags state what an attention call has beside its shape and mask.
type problemFlags struct {
	preset, pattern string
	qLen            int
	dtypes          []string
	kvDTypes        []string
	pageSizes       []int
	scale, softcap  float64
	alibi, sinks    bool
}

// problemFlagNames are those of the flags that say which problem is meant. The
// shape of the heads and the batch are not among them: every problem has one.
var problemFlagNames = []string{
	"n", "mask", "preset", "pattern", "q-len", "page", "dtype", "kv-dtype", "scale", "softcap", "alibi", "sink-logits",
}

func (f *problemFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.preset, "preset", "", "shape, masks, lengths and options of a published model, by `name`; other flags override it; see attnbench list")
	flags.StringVar(&f.pattern, "pattern", "", "`file` of a block pattern, which every mask is cut to: a line of 0 and 1 for each block of queries")
	flags.IntVar(&f.qLen, "q-len", 0, "`queries`, which end with the keys (default as many as keys); 1 is a decode step, a few are a chunk of a prefill")
	flags.StringSliceVar(&f.dtypes, "dtype", []string{"float32"}, "element `types` of Q, K, V and O: float32, float16, bfloat16")
	flags.StringSliceVar(&f.kvDTypes, "kv-dtype", nil, "element `types` of K and V (default --dtype): those, and int8 with a scale for each 64 keys of a head")
	flags.IntSliceVar(&f.pageSizes, "page", []int{0}, "`keys` in a page of a paged K and V; 0 is not paged")
	flags.Float64Var(&f.scale, "scale", 0, "`factor` of the scores (default 1/√dim)")
	flags.Float64Var(&f.softcap, "softcap", 0, "`cap` of the scores, by tanh (default none)")
	flags.BoolVar(&f.alibi, "alibi", false, "linear distance biases")
	flags.BoolVar(&f.sinks, "sink-logits", false, "a logit a head in the softmax's sum")
}

// sweep returns the preset's sweep, with the options of the other flags that
// were given. Without a preset it has nothing but these.
func (f *problemFlags) sweep(flags *pflag.FlagSet) (harness.Sweep, error) {
	var s harness.Sweep
	if f.preset != "" || flags.Changed("preset") {
		preset, err := harness.LookupPreset(f.preset)
		if err != nil {
			return s, err
		}
		s = preset.Sweep()
	}
	if flags.Changed("q-len") {
		if f.qLen < 1 || f.qLen > maxLength {
			return s, fmt.Errorf("--q-len %d: must be in 1..%d", f.qLen, maxLength)
		}
		s.QLen = f.qLen
	}
	pattern, err := f.readPattern(flags)
	if err != nil {
		return s, err
	}
	storages, err := f.storages(flags)
	if err != nil {
		return s, err
	}
	options, err := f.options(flags)
	if err != nil {
		return s, err
	}
	ofPreset := s.Variants
	s.Variants = nil
	for _, store := range storages {
		s.Variants = append(s.Variants, func(p *kernels.Problem) error {
			for _, change := range ofPreset { // a preset has one
				if err := change(p); err != nil {
					return err
				}
			}
			store(p)
			options(p)
			return pattern(p)
		})
	}
	return s, nil
}

// storages returns what sets the element types and pages that were given: one
// for each combination.
func (f *problemFlags) storages(flags *pflag.FlagSet) ([]func(p *kernels.Problem), error) {
	dtypes, err := parseDTypes("dtype", f.dtypes, "float32, float16 or bfloat16")
	if err != nil {
		return nil, err
	}
	kvDTypes, err := parseDTypes("kv-dtype", f.kvDTypes, kvDTypeNames)
	if err != nil {
		return nil, err
	}
	if flags.Changed("kv-dtype") == (kvDTypes == nil) || dtypes == nil || len(f.pageSizes) == 0 {
		return nil, fmt.Errorf("--dtype, --kv-dtype or --page is empty: want at least one each")
	}
	if kvDTypes == nil {
		kvDTypes = []kernels.DType{kernels.Float32} // is not looked at
	}
	var all []func(p *kernels.Problem)
	for _, dtype := range dtypes {
		for _, kvDType := range kvDTypes {
			for _, size := range slices.Compact(slices.Sorted(slices.Values(f.pageSizes))) {
				if size < 0 || size > maxLength {
					return nil, fmt.Errorf("--page %d: must be in 0..%d", size, maxLength)
				}
				all = append(all, func(p *kernels.Problem) {
					set(flags, "dtype", &p.DType, dtype)
					set(flags, "dtype", &p.KVDType, dtype)
					set(flags, "kv-dtype", &p.KVDType, kvDType)
					set(flags, "page", &p.PageSize, size)
				})
			}
		}
	}
	return all, nil
}

// kvDTypeNames lists the element types that K and V may have.
const kvDTypeNames = "float32, float16, bfloat16 or int8"

// parseDTypes reads the element types that a flag may have, which want lists.
func parseDTypes(flag string, names []string, want string) ([]kernels.DType, error) {
	var types []kernels.DType
	for _, name := range unique(names) {
		t, err := kernels.ParseDType(name)
		if err != nil || !strings.Contains(want, name) {
			return nil, fmt.Errorf("--%s %q: want %s", flag, name, want)
		}
		types = append(types, t)
	}
	return types, nil
}

// options returns what sets those of the scores that were given.
func (f *problemFlags) options(flags *pflag.FlagSet) (func(p *kernels.Problem), error) {
	for _, x := range []struct {
		name  string
		value float64
	}{{"scale", f.scale}, {"softcap", f.softcap}} {
		if flags.Changed(x.name) && !(x.value > 0 && x.value <= maxFactor) {
			return nil, fmt.Errorf("--%s %v: must be above 0 and at most %g", x.name, x.value, float64(maxFactor))
		}
	}
	return func(p *kernels.Problem) {
		set(flags, "scale", &p.Scale, f.scale)
		set(flags, "softcap", &p.Softcap, f.softcap)
		set(flags, "alibi", &p.ALiBi, f.alibi)
		set(flags, "sink-logits", &p.SinkLogits, f.sinks)
	}, nil
}

// maxFactor bounds scale and cap far above any model's.
const maxFactor = 1e6

// set sets a field if its flag was given.
func set[T any](flags *pflag.FlagSet, name string, field *T, value T) {
	if flags.Changed(name) {
		*field = value
	}
}

// maxPattern bounds a pattern's file: one for 8192 blocks has 64 MiB.
const maxPattern = 128 << 20

// readPattern returns what cuts a problem's mask to the pattern of the file.
func (f *problemFlags) readPattern(flags *pflag.FlagSet) (func(p *kernels.Problem) error, error) {
	if !flags.Changed("pattern") {
		return func(*kernels.Problem) error { return nil }, nil
	}
	text, err := readText(f.pattern, maxPattern)
	if err != nil {
		return nil, fmt.Errorf("--pattern %q: %w", f.pattern, err)
	}
	name := strings.TrimSuffix(filepath.Base(f.pattern), filepath.Ext(f.pattern))
	return func(p *kernels.Problem) error {
		if p.Mask.Blocks != nil {
			return fmt.Errorf("--pattern %q beside mask %s, which has a block pattern already", f.pattern, p.Mask)
		}
		p.Mask.Blocks, err = kernels.ReadBlockPattern(name, strings.NewReader(text), p.KVLen)
		return err
	}, nil
}
