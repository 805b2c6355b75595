package kernels

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// LocalStrided returns the pattern of Sparse Transformers (arXiv:1904.10509)
// in blocks: a query block sees the key blocks less than local away and every
// stride-th one; stride 0 means local only.
func LocalStrided(size, kvLen, local, stride int) *BlockPattern {
	numbers := []int{size, local, stride}
	if stride == 0 {
		numbers = numbers[:2]
	}
	return NewBlockPattern("blocks"+joinInts(numbers), size, kvLen, func(q, k int) bool {
		return within(q, k, local) || stride > 0 && k%stride == 0
	})
}

// Longformer returns the pattern of that paper (arXiv:2004.05150) in blocks: a
// query block sees the key blocks less than local away; the first global
// blocks see every block and are seen by every block.
func Longformer(size, kvLen, local, global int) *BlockPattern {
	name := "longformer" + joinInts([]int{size, local, global})
	return NewBlockPattern(name, size, kvLen, func(q, k int) bool {
		return within(q, k, local) || q < global || k < global
	})
}

// BigBird returns the pattern of that paper (arXiv:2007.14062): Longformer's,
// and for every query block random more key blocks, drawn by seed from those
// that it does not see yet.
func BigBird(size, kvLen, local, global, random int, seed uint64) *BlockPattern {
	name := "bigbird" + joinInts([]int{size, local, global, random, int(seed)})
	blocks := (kvLen + size - 1) / size
	chosen := make([]map[int]bool, blocks)
	for q := range chosen {
		chosen[q] = map[int]bool{}
		for _, k := range rand.New(rand.NewPCG(seed, uint64(q))).Perm(blocks) {
			if len(chosen[q]) < random && !within(q, k, local) && k >= global {
				chosen[q][k] = true
			}
		}
	}
	return NewBlockPattern(name, size, kvLen, func(q, k int) bool {
		return within(q, k, local) || q < global || k < global || chosen[q][k]
	})
}

func within(q, k, local int) bool { return k-q < local && q-k < local }

// ReadBlockPattern reads a pattern for kvLen keys: one line a query block, with
// a 1 for each key block that it sees and a 0 for the others; the block size is
// what divides kvLen into so many blocks. Empty lines and lines from # on are
// passed over. Records call it pattern:NAME.
func ReadBlockPattern(name string, r io.Reader, kvLen int) (*BlockPattern, error) {
	if kvLen <= 0 || name == "" || strings.ContainsAny(name, "/+ =\t,") {
		return nil, fmt.Errorf("pattern %q for %d keys: want a name fit for a record and a positive length", name, kvLen)
	}
	var rows []string
	for lines := bufio.NewScanner(r); ; {
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return nil, fmt.Errorf("pattern %s: %w", name, err)
			}
			break
		}
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.ReplaceAll(strings.TrimSpace(line), " ", ""); line != "" {
			rows = append(rows, line)
		}
	}
	for q, row := range rows {
		if len(row) != len(rows) || strings.Trim(row, "01") != "" {
			return nil, fmt.Errorf("pattern %s: row %d %.40q: want %d of 0 and 1, as many as rows", name, q, row, len(rows))
		}
	}
	if len(rows) == 0 || kvLen < MinBlockSize*len(rows) && len(rows) > 1 {
		return nil, fmt.Errorf("pattern %s: %d rows for %d keys: want blocks of at least %d keys", name, len(rows), kvLen, MinBlockSize)
	}
	size := max(MinBlockSize, (kvLen+len(rows)-1)/len(rows))
	if err := checkBlocks(size, kvLen); err != nil {
		return nil, fmt.Errorf("pattern %s: %w", name, err)
	}
	return NewBlockPattern("pattern:"+name, size, kvLen, func(q, k int) bool { return rows[q][k] == '1' }), nil
}
