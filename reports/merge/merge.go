// Package merge joins files of benchmark records into one: those of several
// machines, or of the shards of one sweep.
//
// Records stay as they are, in the order of the files. What attnbench writes as
// comments, such as the commit and the shard, stays beside the records that it
// is about.
package merge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/reports"
)

// A Merger collects files. The zero Merger is empty.
type Merger struct {
	Records []*benchfmt.Result // with their remarks as configuration that is no file's

	reader benchfmt.Reader
	shards map[string]map[string]string // count → index → the file that has it
	owner  map[string]owner             // by case, of those that came from shards
}

type owner struct{ shard, file string }

// ErrEmpty is wrapped by the error of a file without records.
var ErrEmpty = errors.New("nothing was measured")

// Add reads a file in the Go benchmark format. Its error names the file, and
// the line where it is malformed; units that contradict those of an earlier file
// are an error too, and so is a case that another shard of the sweep has.
func (m *Merger) Add(r io.Reader, name string) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	remarks := reports.NewRemarks(string(text))
	m.reader.Reset(bytes.NewReader(text), name)
	n := len(m.Records)
	for m.reader.Scan() {
		switch rec := m.reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return rec
		case *benchfmt.Result:
			_, line := rec.Pos()
			if err := m.take(rec.Clone(), remarks.Before(line), name); err != nil {
				return err
			}
		}
	}
	switch {
	case m.reader.Err() != nil:
		return reports.ReadError(m.reader.Err(), name)
	case len(m.Records) == n:
		return fmt.Errorf("%s: %w: it holds no benchmark record", name, ErrEmpty)
	case text[len(text)-1] != '\n':
		return fmt.Errorf("%s: the last line has no end: the file was cut off", name)
	}
	return nil
}

// take keeps a record, and makes sure that no other shard has its case.
func (m *Merger) take(rec *benchfmt.Result, remarks []reports.Remark, file string) error {
	shard := ""
	for _, r := range remarks {
		rec.Config = append(rec.Config, benchfmt.Config{Key: r.Key, Value: []byte(r.Value)})
		if r.Key == "shard" {
			shard = r.Value
		}
	}
	m.Records = append(m.Records, rec)
	if shard == "" {
		return nil
	}
	return m.takeShard(rec, shard, file)
}

func (m *Merger) takeShard(rec *benchfmt.Result, shard, file string) error {
	index, count, ok := strings.Cut(shard, "/")
	if !ok {
		return fmt.Errorf("%s: shard %q: want I/N", file, shard)
	}
	if m.shards == nil {
		m.shards, m.owner = map[string]map[string]string{}, map[string]owner{}
	}
	if m.shards[count] == nil {
		m.shards[count] = map[string]string{}
	}
	if other, ok := m.shards[count][index]; ok && other != file {
		return fmt.Errorf("%s: is shard %s, and so is %s", file, shard, other)
	}
	m.shards[count][index] = file
	key := caseKey(rec)
	if o, ok := m.owner[key]; ok && o.shard != shard {
		return fmt.Errorf("%s: shard %s has %s, and so has shard %s in %s", file, shard, rec.Name, o.shard, o.file)
	}
	m.owner[key] = owner{shard, file}
	return nil
}

// caseKey tells cases apart that several machines may measure.
func caseKey(rec *benchfmt.Result) string {
	var key strings.Builder
	key.Write(rec.Name)
	for _, c := range rec.Config {
		if c.File {
			fmt.Fprintf(&key, "\n%s: %s", c.Key, c.Value)
		}
	}
	return key.String()
}

// Check returns an error that names the shards that are lacking. Files that are
// no shards lack none.
func (m *Merger) Check() error {
	if len(m.shards) > 1 {
		var counts []string
		for c := range m.shards {
			counts = append(counts, c)
		}
		slices.Sort(counts)
		return fmt.Errorf("shards of several sweeps: of %s", strings.Join(counts, " and of "))
	}
	for count, have := range m.shards {
		n := 0
		if _, err := fmt.Sscanf(count, "%d", &n); err != nil || n < 1 || n > 1<<20 {
			return fmt.Errorf("shard of %q: want a number", count)
		}
		var lack []string
		for i := 1; i <= n && len(lack) < 10; i++ {
			if _, ok := have[fmt.Sprint(i)]; !ok {
				lack = append(lack, fmt.Sprintf("%d/%d", i, n))
			}
		}
		if lack != nil {
			return fmt.Errorf("the sweep is not whole: shard %s is missing", strings.Join(lack, ", "))
		}
	}
	return nil
}

// Write writes the records in the Go benchmark format: units first, and each
// remark where it changes.
func (m *Merger) Write(w io.Writer) error {
	out := benchfmt.NewWriter(w)
	for _, u := range m.units() {
		if err := out.Write(u); err != nil {
			return err
		}
	}
	last := map[string]string{}
	for _, rec := range m.Records {
		for _, c := range rec.Config {
			if v := string(c.Value); !c.File && last[c.Key] != v {
				fmt.Fprintf(w, "# %s: %s\n", c.Key, v)
				last[c.Key] = v
			}
		}
		if err := out.Write(rec); err != nil {
			return err
		}
	}
	return nil
}

// units returns what all files say of units, sorted.
func (m *Merger) units() []*benchfmt.UnitMetadata {
	var list []*benchfmt.UnitMetadata
	for _, u := range m.reader.Units() {
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b *benchfmt.UnitMetadata) int {
		if c := strings.Compare(a.Unit, b.Unit); c != 0 {
			return c
		}
		return strings.Compare(b.Key, a.Key) // "better" before "assume", as run writes them
	})
	return list
}
