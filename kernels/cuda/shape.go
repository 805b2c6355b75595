package cuda

import (
	"errors"
	"fmt"

	"github.com/attnbench/attnbench/kernels"
)

// widths are the head sizes that kernels are compiled for. Others are padded
// with zeros to the next, as FlashAttention does.
var (
	widths      = []int{32, 64, 96, 128, 256}
	wgmmaWidths = []int{64, 128, 256} // flash_wgmma.cu
)

// width returns the first of the compiled head sizes that holds dim, which is at
// most the last.
func width(dim int, widths []int) int {
	for _, w := range widths {
		if dim <= w {
			return w
		}
	}
	panic("cuda: head dimension out of range")
}

// Rows of a row tile, as the modules have them.
const (
	simtRows  = 64  // naive.cu, tiled.cu, flash.cu
	mmaRows   = 128 // flash_half.cu; of the widest heads half as many
	wgmmaRows = 128 // flash_wgmma.cu
)

// maxGridYZ bounds a grid's second and third dimension.
const maxGridYZ = 65535

// splitTiles is how many tiles of keys make a part when a call is split over
// the keys: at least 4, and so many that there are at most 64 parts.
//
// Note: others choose the number of parts by how many blocks fill the device.
// Then a result depends on what else is in the batch, by a rounding. Here it
// depends on the longest row of tiles only.
func splitTiles(tiles int) int { return max(4, ceil(tiles, 64)) }

// parts returns into how many parts a schedule is split: several where all
// queries of a key head fit one row tile, as in decoding, and 1 elsewhere.
func (s *schedule) parts() int {
	if s.rowTiles > 1 {
		return 1
	}
	n := s.longest()
	return max(1, ceil(n, splitTiles(n)))
}

// supports says what of p the kernels lack, whatever the device.
func supports(p kernels.Problem) error {
	switch {
	case p.KVDType == kernels.Int8:
		return unsupportedf("keys of %v: the device kernels read no scales", p.KVDType)
	case p.DType != p.KVDType:
		return unsupportedf("%v queries with %v keys: the device kernels want one type", p.DType, p.KVDType)
	case p.PageSize != 0:
		return unsupportedf("pages of %d keys: the device kernels want a contiguous cache", p.PageSize)
	case p.Softcap != 0, p.ALiBi, p.SinkLogits:
		return unsupportedf("soft cap, ALiBi and sink logits: not in the device kernels")
	case ceil(p.QLen*p.Group(), simtRows) > maxGridYZ:
		return unsupportedf("%d queries of %d heads a key head: more than the grid's %d row tiles", p.QLen, p.Group(), maxGridYZ)
	case p.Batch*p.KVHeads > maxGridYZ:
		return unsupportedf("%d batch elements of %d key heads: more than the grid's %d", p.Batch, p.KVHeads, maxGridYZ)
	}
	return nil
}

// An unsupported error wraps errors.ErrUnsupported without its text.
type unsupported struct{ text string }

func unsupportedf(format string, args ...any) error { return unsupported{fmt.Sprintf(format, args...)} }

func (e unsupported) Error() string        { return e.text }
func (e unsupported) Is(target error) bool { return target == errors.ErrUnsupported }
