package compare

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/reports"
)

// ErrNothing is wrapped by errors that say that there is nothing to compare.
var ErrNothing = errors.New("nothing was measured")

// A source is one input: a file, or standard input.
type source struct{ path, label string }

// sources splits "label=path" as benchstat does. A path that is given several
// times without a label gets a number behind it, lest its samples be pooled.
func sources(paths []string) []source {
	list := make([]source, len(paths))
	count, number := map[string]int{}, map[string]int{}
	for i, p := range paths {
		list[i] = source{p, p}
		if label, path, ok := strings.Cut(p, "="); ok {
			list[i] = source{path, label}
		} else {
			count[p]++
		}
	}
	for i, s := range list {
		if s.path == s.label && count[s.path] > 1 {
			list[i].label = fmt.Sprintf("%s#%d", s.path, number[s.path])
			number[s.path]++
		}
	}
	return list
}

// ReadFiles adds the records of files in the Go benchmark format. A path may be
// "-" for stdin, and "label=path" to name its column. What is no record is
// left alone, as the format wants; but a malformed record, a file that ends
// within a line, and a file without any record are errors, the last of which
// wraps [ErrNothing].
func (b *Builder) ReadFiles(paths []string, stdin io.Reader) error {
	for _, s := range sources(paths) {
		if err := b.readFile(s, stdin); err != nil {
			return err
		}
	}
	return nil
}

func (b *Builder) readFile(s source, stdin io.Reader) error {
	if s.path == "-" {
		return b.Read(stdin, s.path, s.label)
	}
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return b.Read(f, s.path, s.label)
}

// Read is ReadFiles of one reader. The name is that of errors, the label that
// of the column.
func (b *Builder) Read(r io.Reader, name, label string) error {
	end := &lastByte{r: r}
	b.reader.Reset(end, name, ".file", label)
	records := 0
	for b.reader.Scan() {
		switch rec := b.reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return rec
		case *benchfmt.Result:
			records++
			if err := b.Add(rec); err != nil {
				file, line := rec.Pos()
				return fmt.Errorf("%s:%d: %w", file, line, err)
			}
		}
	}
	switch {
	case b.reader.Err() != nil:
		return reports.ReadError(b.reader.Err(), name)
	case records == 0:
		return fmt.Errorf("%s: %w: it holds no benchmark record", name, ErrNothing)
	case end.any && end.last != '\n':
		return fmt.Errorf("%s: the last line has no end: the file was cut off", name)
	}
	return nil
}

// A lastByte remembers the last byte that went by.
type lastByte struct {
	r    io.Reader
	last byte
	any  bool
}

func (t *lastByte) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 {
		t.any, t.last = true, p[n-1]
	}
	return n, err
}
