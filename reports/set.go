package reports

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// The units of a record's metrics that reports know by name.
const (
	Time       = "sec/op"
	Rate       = "FLOP/s"
	Workspace  = "workspace-B"
	PeakShare  = "peak-ratio"
	ErrorRatio = "error-ratio"
	Compulsory = "compulsory-B" // bytes that any kernel must move
	Bandwidth  = "B/s"          // of K and V, where few queries stream them
	ReadShare  = "read-ratio"   // of the rate at which as many bytes are read again and again
)

// Base is the base name of the benchmarks that a Set takes.
const Base = "Attention"

// A Shape is what the kernels of one comparison have in common.
type Shape struct {
	Mask                       string
	Batch, Heads, KVHeads, Dim int
	QLen                       int // queries; 0 when there are as many as keys
	Threads                    int
	Options                    string // the other parts of the name, such as "dtype=bfloat16 softcap=50"
}

// String names the shape as records do, the default parts included.
func (s Shape) String() string {
	qLen := "n"
	if s.QLen != 0 {
		qLen = strconv.Itoa(s.QLen)
	}
	text := fmt.Sprintf("mask=%s batch=%d heads=%d kvheads=%d dim=%d qlen=%s threads=%d",
		s.Mask, s.Batch, s.Heads, s.KVHeads, s.Dim, qLen, s.Threads)
	if s.Options != "" {
		text += " " + s.Options
	}
	return text
}

func (s Shape) compare(t Shape) int {
	return cmp.Or(
		cmp.Compare(s.Mask, t.Mask), cmp.Compare(s.Batch, t.Batch), cmp.Compare(s.Heads, t.Heads),
		cmp.Compare(s.KVHeads, t.KVHeads), cmp.Compare(s.Dim, t.Dim), cmp.Compare(s.QLen, t.QLen),
		cmp.Compare(s.Threads, t.Threads), cmp.Compare(s.Options, t.Options))
}

// A Key tells one series from another.
type Key struct {
	Kernel, ISA string
	Shape
}

// A Point holds every sample taken at one length.
type Point struct {
	N       int                  // keys; queries too, unless Shape.QLen says otherwise
	Samples map[string][]float64 // by unit, in the order of the records
}

// A Series is one kernel on one shape over the lengths, shortest first.
type Series struct {
	Key
	Points []Point
}

// Point returns the samples at n, or nil.
func (s *Series) Point(n int) *Point {
	if i, ok := s.find(n); ok {
		return &s.Points[i]
	}
	return nil
}

func (s *Series) find(n int) (int, bool) {
	return slices.BinarySearchFunc(s.Points, n, func(p Point, n int) int { return cmp.Compare(p.N, n) })
}

// A Set holds the series of a run, sorted by shape, kernel and ISA.
type Set struct {
	Series []*Series
}

// CheckValues refuses what no statistics can be made of.
func CheckValues(res *benchfmt.Result) error {
	for _, v := range res.Values {
		if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
			return fmt.Errorf("benchmark %q: %s is %v: must be finite", res.Name, v.Unit, v.Value)
		}
	}
	return nil
}

// Add pools the values of one result. Its error names what the result's name
// lacks.
func (s *Set) Add(res *benchfmt.Result) error {
	key, n, err := parseName(res.Name)
	if err != nil {
		return err
	}
	series := s.series(key)
	i, ok := series.find(n)
	if !ok {
		series.Points = slices.Insert(series.Points, i, Point{N: n, Samples: map[string][]float64{}})
	}
	for _, v := range res.Values {
		series.Points[i].Samples[v.Unit] = append(series.Points[i].Samples[v.Unit], v.Value)
	}
	return nil
}

// series returns the series of a key and makes it if it is new.
func (s *Set) series(key Key) *Series {
	i, ok := slices.BinarySearchFunc(s.Series, key, func(x *Series, key Key) int {
		return cmp.Or(x.Shape.compare(key.Shape), cmp.Compare(x.Kernel, key.Kernel), cmp.Compare(x.ISA, key.ISA))
	})
	if !ok {
		s.Series = slices.Insert(s.Series, i, &Series{Key: key})
	}
	return s.Series[i]
}

// Groups returns the series by shape, in the set's order.
func (s *Set) Groups() [][]*Series {
	var groups [][]*Series
	for i, x := range s.Series {
		if i == 0 || x.Shape != s.Series[i-1].Shape {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], x)
	}
	return groups
}

// Read takes every result of base name [Base] from r. Results of other names
// are left alone. A malformed line, or a name that lacks a key, is an error
// with its place; fileName is used there only.
func Read(r io.Reader, fileName string) (*Set, error) {
	set := &Set{}
	reader := benchfmt.NewReader(r, fileName)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, rec
		case *benchfmt.Result:
			if string(rec.Name.Base()) != Base {
				continue
			}
			if err := set.Add(rec); err != nil {
				_, line := rec.Pos()
				return nil, fmt.Errorf("%s:%d: %w", fileName, line, err)
			}
		}
	}
	return set, ReadError(reader.Err(), fileName)
}

// ReadError returns the error of a file's reader in the terms of the format: what
// its scanner says of a line that is too long names neither line nor limit.
func ReadError(err error, fileName string) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s: a line is longer than %d bytes: want the Go benchmark format", fileName, bufio.MaxScanTokenSize)
	}
	return err
}

// parseName splits a benchmark's name into its series and its length.
func parseName(name benchfmt.Name) (key Key, n int, err error) {
	parts, options := nameParts(name)
	var lack []string
	text := func(k string) string {
		v, ok := parts[k]
		if !ok {
			lack = append(lack, k)
		}
		return v
	}
	number := func(k string) int {
		s, ok := parts[k]
		if !ok {
			lack = append(lack, k)
			return 0
		}
		v, err := strconv.Atoi(s)
		if err != nil || v <= 0 {
			lack = append(lack, "a positive "+k)
		}
		return v
	}
	key = Key{text("kernel"), text("isa"), Shape{
		Mask: text("mask"), Batch: number("batch"), Heads: number("heads"), KVHeads: number("kvheads"),
		QLen: number("qlen"), Dim: number("dim"), Threads: number("threads"), Options: options,
	}}
	if n = number("kvlen"); n == key.QLen {
		key.QLen = 0
	}
	if lack != nil {
		return Key{}, 0, fmt.Errorf("benchmark %q: lacks %s", name, strings.Join(lack, ", "))
	}
	return key, n, nil
}

// known are the parts of a name that every record has.
var known = []string{"kernel", "isa", "mask", "batch", "heads", "kvheads", "qlen", "kvlen", "dim"}

// nameParts returns the known key=value parts of a name, and the others in
// their order; the threads are those of its "-N" suffix, or 1, as package
// testing writes them.
func nameParts(name benchfmt.Name) (parts map[string]string, options string) {
	parts = map[string]string{"threads": "1"}
	var others []string
	_, split := name.Parts()
	for _, part := range split {
		s := string(part)
		if suffix, ok := strings.CutPrefix(s, "-"); ok {
			parts["threads"] = suffix
			continue
		}
		s = strings.TrimPrefix(s, "/")
		if k, v, ok := strings.Cut(s, "="); ok && slices.Contains(known, k) {
			parts[k] = v
		} else {
			others = append(others, s)
		}
	}
	return parts, strings.Join(others, " ")
}
