//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/attnbench/attnbench/kernels"
)

func init() {
	kernels.Register(&kernel{"cuda-naive", "three textbook kernels over a score matrix in global memory", false, (*plan).addNaive})
	kernels.Register(&kernel{"cuda-tiled", "two passes over the keys through shared memory", false, (*plan).addTiled})
	kernels.Register(&kernel{"cuda-flash", "one pass with online softmax, halves on tensor cores, decoding split over the keys", true, (*plan).addFlash})
}

// A kernel is one algorithm on the device. It is registered by its pointer, for
// kernels are compared.
type kernel struct {
	name, describe string
	halves         bool              // takes float16 and bfloat16 too
	add            func(*plan) error // allocates workspace and adds the launches
}

func (k *kernel) Name() string { return k.name }

// Describe says what the kernel does and on which device, or why on none.
func (k *kernel) Describe() string {
	d, err := openDevice()
	if err != nil {
		return fmt.Sprintf("%s (%v)", k.describe, err)
	}
	return fmt.Sprintf("%s (%v)", k.describe, d)
}

// DeviceISAs returns the device's architecture, and those with tensor cores.
func (k *kernel) DeviceISAs() ([]string, error) {
	d, err := openDevice()
	if err != nil {
		return nil, err
	}
	if !k.halves {
		return []string{d.isa()}, nil
	}
	return d.isas(), nil
}

// DeviceLimits measures the device, on first use.
func (k *kernel) DeviceLimits() (kernels.DeviceLimits, error) {
	d, err := openDevice()
	if err != nil {
		return kernels.DeviceLimits{}, err
	}
	return d.limits()
}

// RoundsWeights: tensor cores take P in the type of V.
func (k *kernel) RoundsWeights(p kernels.Problem, _ kernels.Options) bool {
	return p.KVDType != kernels.Float32
}

// Supports also refuses everything where there is no device.
func (k *kernel) Supports(p kernels.Problem) error {
	err := p.Validate()
	if err == nil {
		err = supports(p)
	}
	if err == nil && p.DType != kernels.Float32 && !k.halves {
		err = unsupportedf("%v: float32 only", p.DType)
	}
	if err == nil {
		_, err = openDevice()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.name, err)
	}
	return nil
}

// Plan returns a plan with its operands on the device. Sums are accumulated in
// float32, in an order that depends on the problem alone.
func (k *kernel) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	pl, err := newPlan(k.name, p, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	if err := pl.dev.enter(); err != nil {
		return nil, pl.wrap(err)
	}
	defer pl.dev.leave()
	if err := k.add(pl); err != nil {
		pl.release()
		return nil, pl.wrap(err)
	}
	return pl, nil
}

// scaleLog2 is what the kernels multiply Q·K with: weights are powers of two.
func (pl *plan) scaleLog2() float32 { return float32(pl.problem.EffectiveScale() * math.Log2E) }

// addNaive adds S = Q·Kᵀ, P = softmax(S) and O = P·V.
func (pl *plan) addNaive() error {
	p := &pl.problem
	scores, err := pl.scratch("S", int64(p.Batch*p.Heads)*int64(p.QLen)*int64(p.KVLen)*4)
	if err != nil {
		return err
	}
	s := newSchedule(p, simtRows)
	table := s.table()
	tables, err := pl.table("the mask's table", unsafe.Pointer(&table[0]), len(table), unsafe.Sizeof(table[0]))
	if err != nil {
		return err
	}
	bits, err := pl.bits(s)
	if err != nil {
		return err
	}
	stride := 0
	if s.batches > 1 {
		stride = s.rowTiles * s.keyTiles
	}
	bhs := p.Batch * p.KVHeads
	for _, l := range []struct {
		name  string
		grid  [3]int
		block int
	}{
		{"naive_scores", [3]int{ceil(p.KVLen, 16), ceil(s.rows, 16), bhs}, 256},
		{"naive_softmax", [3]int{s.rows, bhs, 1}, 128},
		{"naive_output", [3]int{ceil(s.rows, 4), pl.width / 32, bhs}, 128},
	} {
		const shared, lse = 16, 4
		launch, err := newLaunch(pl.dev, "naive", l.name, l.grid, l.block, shared,
			pl.q, pl.k, pl.v, pl.o, pl.lse, scores, tables, bits,
			p.QLen, p.KVLen, p.KVHeads, p.Group(), stride, pl.width, pl.scaleLog2())
		if err := pl.add(launch, err, lse); err != nil {
			return err
		}
	}
	return nil
}

func (pl *plan) bits(s *schedule) (cu.DevicePtr, error) {
	return pl.table("the mask's bits", unsafe.Pointer(unsafe.SliceData(s.bits)), len(s.bits), unsafe.Sizeof(s.bits[0]))
}

func (pl *plan) addTiled() error {
	return pl.addFused(pl.simt("tiled"), newSchedule(&pl.problem, simtRows), 1)
}

// addFlash adds the one kernel and, where it is split over the keys, the merge.
func (pl *plan) addFlash() error {
	f := pl.simt("flash")
	switch {
	case strings.HasSuffix(pl.isa, wgmmaSuffix):
		f = pl.wgmma()
	case strings.HasSuffix(pl.isa, mmaSuffix):
		f = pl.mma()
	}
	s := newSchedule(&pl.problem, f.tileRows)
	return pl.addFused(f, s, s.parts())
}

// A fused kernel is one of the common signature, ATTENTION in attention.cuh.
type fused struct {
	module, algorithm         string
	threads, shared, tileRows int
}

// simt is a kernel over Simt of simt.cuh, which has Q, two buffers of 32 columns
// with 4 of padding, and P in shared memory.
func (pl *plan) simt(name string) fused {
	f := fused{name, name, 128, 4 * (simtRows*(pl.width+4) + 2*tileKeys*(32+4) + simtRows*tileKeys), simtRows}
	if pl.width > 128 {
		f.threads = 256
	}
	return f
}

// mma is flash over Mma of flash_half.cu, which has Q and three tiles of K and V
// in shared memory.
func (pl *plan) mma() fused {
	rows := mmaRows
	if pl.width > 128 {
		rows = mmaRows / 2
	}
	return fused{"flash_half", "flash", 128, (rows + 3*tileKeys) * 2 * pl.width, rows}
}

// wgmma is flash over Wgmma of flash_wgmma.cu, which has Q, four slots of two tiles
// of K or V, or one of the widest, and two barriers a slot in shared memory.
func (pl *plan) wgmma() fused {
	const slots, barrierBytes = 4, 8
	keys := 2 * tileKeys
	if pl.width > 128 {
		keys = tileKeys
	}
	return fused{"flash_wgmma", "flash_wgmma", 384, (wgmmaRows+slots*keys)*2*pl.width + 2*slots*barrierBytes, wgmmaRows}
}

// suffix is what the names of kernels for the problem end with.
func (pl *plan) suffix() string {
	types := map[kernels.DType]string{kernels.Float32: "f32", kernels.Float16: "f16", kernels.BFloat16: "bf16"}
	return "_" + types[pl.problem.DType] + "_d" + strconv.Itoa(pl.width)
}

// addFused adds a fused kernel in so many parts, and the merge of the parts.
func (pl *plan) addFused(f fused, s *schedule, parts int) error {
	p := &pl.problem
	starts, err := pl.table("the mask's row tiles", unsafe.Pointer(&s.starts[0]), len(s.starts), unsafe.Sizeof(s.starts[0]))
	if err != nil {
		return err
	}
	tiles, err := pl.table("the mask's tiles", unsafe.Pointer(unsafe.SliceData(s.tiles)), len(s.tiles), unsafe.Sizeof(tile{}))
	if err != nil {
		return err
	}
	bits, err := pl.bits(s)
	if err != nil {
		return err
	}
	rows := p.Batch * p.Heads * p.QLen
	partial := cu.DevicePtr(0)
	if parts > 1 {
		if partial, err = pl.scratch("the parts", int64(parts)*int64(rows)*int64(pl.width+4)*4); err != nil {
			return err
		}
	}
	const lse, mergeLSE = 4, 4
	l, err := newLaunch(pl.dev, f.module, f.algorithm+pl.suffix(), [3]int{p.Batch * p.KVHeads, s.rowTiles, parts}, f.threads, f.shared,
		pl.q, pl.k, pl.v, pl.o, pl.lse, partial, starts, tiles, bits,
		p.QLen, p.KVLen, p.KVHeads, p.Group(), s.startStride(), splitTiles(s.longest()), pl.scaleLog2())
	if err := pl.add(l, err, lse); err != nil || parts == 1 {
		return err
	}
	l, err = newLaunch(pl.dev, "merge", "merge"+pl.suffix(), [3]int{ceil(rows, 4), 1, 1}, 128, 0,
		partial, parts, rows, pl.o, pl.lse)
	return pl.add(l, err, mergeLSE)
}
