package kernels

import (
	"strings"
	"testing"
)

// FuzzParseMask wants a mask that is accepted to have a name that means the
// same, and visible intervals that are sorted and within the keys.
func FuzzParseMask(f *testing.F) {
	for _, spec := range append(testMasks(97), "window:-1:9223372036854775807", "sinks:9223372036854775807", "packed:3:9223372036854775807",
		"longformer:16:1:1", "bigbird:16:1:1:2:7", "blocks:16:0:1", "", "+", "full+causal", "causal+causal", "window:1:2:3", "keylens", "blocks:15:1") {
		f.Add(spec, uint16(97))
	}
	f.Fuzz(func(t *testing.T, spec string, kvLen uint16) {
		m, err := ParseMask(spec, int(kvLen))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %v", err)
			}
			return
		}
		name := m.String()
		again, err := ParseMask(name, int(kvLen))
		if err != nil || again.String() != name {
			t.Fatalf("%q is called %q, which is read as %q (%v)", spec, name, again, err)
		}
		p := Problem{Batch: max(1, len(m.KeyLens)), Heads: 1, KVHeads: 1, QLen: int(kvLen), KVLen: int(kvLen), HeadDim: 1, Mask: m}
		if p.Validate() != nil {
			return
		}
		q := p
		q.Mask = again
		for _, i := range []int{0, p.QLen / 3, p.QLen - 1} {
			row := p.AppendVisible(nil, 0, i)
			checkSorted(t, row)
			if n := len(row); n > 0 && (row[0].Lo < 0 || row[n-1].Hi > p.KVLen) || n > m.MaxIntervals() {
				t.Errorf("%s: query %d of %d sees %v", name, i, p.QLen, row)
			}
			if other := q.AppendVisible(nil, 0, i); len(other) != len(row) {
				t.Errorf("%q sees %v, and %q sees %v", spec, row, name, other)
			}
		}
	})
}

// FuzzReadBlockPattern wants no file to do worse than be refused.
func FuzzReadBlockPattern(f *testing.F) {
	f.Add("# two blocks\n1 0\n\n01 # diagonal\n", uint16(40))
	f.Add("1", uint16(5))
	f.Add("10\n1", uint16(40))
	f.Add("101\n010\n111", uint16(65535))
	f.Fuzz(func(t *testing.T, text string, kvLen uint16) {
		p, err := ReadBlockPattern("fuzz", strings.NewReader(text), int(kvLen))
		if err != nil {
			return
		}
		for _, pos := range []int{-1, 0, int(kvLen) - 1, int(kvLen)} {
			checkSorted(t, p.row(pos))
		}
	})
}

// FuzzValidate wants every problem refused or of a size that can be counted.
func FuzzValidate(f *testing.F) {
	f.Add(1, 8, 2, 128, 128, 64, 0.0, 0.0, uint8(0), uint8(0), 0)
	f.Add(1<<62, 1<<62, 1<<62, 1<<62, 1<<62, 256, 1.0, 0.0, uint8(1), uint8(2), 1<<62)
	f.Add(-1, 0, 3, 1, 1, 300, -1.0, -2.0, uint8(9), uint8(0), -5)
	f.Add(1, 8, 2, 1, 128, 64, 0.0, 0.0, uint8(0), uint8(3), 100)
	f.Add(1, 1, 1, 1<<38, 1, 1, 0.0, 1e308, uint8(0), uint8(0), 1)
	f.Fuzz(func(t *testing.T, batch, heads, kvHeads, qLen, kvLen, dim int, scale, softcap float64, dtype, kvDType uint8, pageSize int) {
		p := Problem{
			Batch: batch, Heads: heads, KVHeads: kvHeads, QLen: qLen, KVLen: kvLen, HeadDim: dim, Scale: scale, Softcap: softcap,
			DType: DType(dtype), KVDType: DType(kvDType), PageSize: pageSize,
		}
		if p.Validate() != nil {
			if _, err := Allocate(p); err == nil {
				t.Error("allocated what is invalid")
			}
			return
		}
		if bytes := p.Bytes(); bytes <= 0 || bytes > 4*maxTensorBytes {
			t.Errorf("%+v: %d bytes", p, bytes)
		}
		if s := p.EffectiveScale(); !(s > 0) || p.Group() < 1 || p.Position(p.QLen-1) != p.KVLen-1 {
			t.Errorf("%+v: scale %v, group %d, last query at %d", p, s, p.Group(), p.Position(p.QLen-1))
		}
	})
}
