package merge

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

const first = `Unit FLOP/s better=higher
goos: linux
cpu: one
# commit: abc
# shard: 1/2
BenchmarkA/n=1-2 10 5 ns/op 7 FLOP/s
BenchmarkA/n=1-2 10 6 ns/op 7 FLOP/s
`

const second = `Unit FLOP/s better=higher
Unit workspace-B better=lower
Unit workspace-B assume=exact
goos: linux
cpu: two
# commit: abc
# shard: 2/2
BenchmarkA/n=2-2 10 8 ns/op 3 workspace-B
`

func merge(t *testing.T, texts ...string) (*Merger, error) {
	t.Helper()
	m := &Merger{}
	for i, text := range texts {
		if err := m.Add(strings.NewReader(text), string(rune('a'+i))+".txt"); err != nil {
			return m, err
		}
	}
	return m, m.Check()
}

func TestMerge(t *testing.T) {
	m, err := merge(t, first, second)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := m.Write(&got); err != nil {
		t.Fatal(err)
	}
	want := `Unit FLOP/s better=higher
Unit workspace-B better=lower
Unit workspace-B assume=exact
# commit: abc
# shard: 1/2
goos: linux
cpu: one

BenchmarkA/n=1-2 10 5 ns/op 7 FLOP/s
BenchmarkA/n=1-2 10 6 ns/op 7 FLOP/s
# shard: 2/2

cpu: two

BenchmarkA/n=2-2 10 8 ns/op 3 workspace-B
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	// What was merged is read as it was.
	again, err := merge(t, got.String())
	if err != nil {
		t.Fatal(err)
	}
	var second bytes.Buffer
	if err := again.Write(&second); err != nil {
		t.Fatal(err)
	}
	if second.String() != want {
		t.Errorf("merged again:\n%s", second.String())
	}
}

func TestMergeRefuses(t *testing.T) {
	shardOf := func(text, shard string) string { return strings.Replace(text, "shard: 1/2", "shard: "+shard, 1) }
	for _, x := range []struct {
		name  string
		texts []string
		want  string
	}{
		{"a shard is missing", []string{first}, "shard 2/2 is missing"},
		{"twice the same", []string{first, first}, "b.txt: is shard 1/2, and so is a.txt"},
		{"two have a case", []string{first, shardOf(first, "2/2")}, "b.txt: shard 2/2 has A/n=1-2, and so has shard 1/2 in a.txt"},
		{"of two sweeps", []string{first, shardOf(strings.ReplaceAll(first, "n=1", "n=3"), "1/3")}, "of 2 and of 3"},
		{"no shard", []string{shardOf(first, "all")}, `shard "all": want I/N`},
		{"no count", []string{shardOf(first, "1/x")}, `shard of "x"`},
		{"huge count", []string{shardOf(first, "1/99999999999")}, `shard of "99999999999"`},
		{"contradiction", []string{first, strings.Replace(second, "better=higher", "better=lower", 1)}, "b.txt:1: metadata better of unit FLOP/s already set to higher"},
		{"empty", []string{first, ""}, "b.txt: nothing was measured"},
		{"cut off", []string{first, strings.TrimSuffix(second, "-B\n")}, "b.txt: the last line has no end"},
		{"malformed", []string{first, "BenchmarkX-1 1 5\n"}, "b.txt:1: missing units"},
	} {
		if _, err := merge(t, x.texts...); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: error %v, want %q", x.name, err, x.want)
		}
	}
	if _, err := merge(t, ""); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty file: error %v", err)
	}
}

// Files that are no shards may hold the same case: several runs of it.
func TestMergePools(t *testing.T) {
	plain := strings.Replace(first, "# shard: 1/2\n", "", 1)
	m, err := merge(t, plain, plain)
	if err != nil || len(m.Records) != 4 {
		t.Errorf("%d records, error %v; want 4", len(m.Records), err)
	}
}
