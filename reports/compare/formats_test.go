package compare

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// verdictsReport has a row of each verdict.
func verdictsReport(t *testing.T) *Report {
	t.Helper()
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		jitter := 1 + 0.001*float64(i)
		for name, factor := range map[string]float64{"same": 1, "slower": 1.1, "faster": 0.8} {
			add(t, b, "old.txt", "K/kernel="+name+"/kvlen=64-1", "sec/op", jitter)
			add(t, b, "new.txt", "K/kernel="+name+"/kvlen=64-1", "sec/op", factor*jitter)
		}
		wide := 1 + 0.1*float64(i*i%10)
		add(t, b, "old.txt", "K/kernel=ambiguous/kvlen=64-1", "sec/op", wide)
		add(t, b, "new.txt", "K/kernel=ambiguous/kvlen=64-1", "sec/op", 1.04*wide)
		add(t, b, "old.txt", "K/kernel=missing/kvlen=64-1", "sec/op", jitter)
		add(t, b, "new.txt", "K/kernel=new/kvlen=64-1", "sec/op", jitter)
	}
	r, err := b.Report()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range r.Tables { // maps have no order
		sortRows(table)
	}
	if err := r.Judge(Policy{MinEffect: DefaultMinEffect}); err != nil {
		t.Fatal(err)
	}
	return r
}

func sortRows(t *Table) {
	for i := range t.Rows {
		for j := i; j > 0 && t.Rows[j].Name < t.Rows[j-1].Name; j-- {
			t.Rows[j], t.Rows[j-1] = t.Rows[j-1], t.Rows[j]
		}
	}
}

func TestFormatsGolden(t *testing.T) {
	r := verdictsReport(t)
	for _, format := range Formats() {
		var got bytes.Buffer
		if err := r.Write(&got, format); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "verdicts."+format)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs (rewrite with -update); got\n%s", path, got.Bytes())
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, row := range verdictsReport(t).Tables[0].Rows {
		want := row.field("kernel")
		if want == "new" {
			if row.Changes[1] != nil {
				t.Errorf("a new benchmark is judged: %+v", row.Changes[1])
			}
		} else if c := row.Changes[1]; c == nil || string(c.Verdict) != want {
			t.Errorf("%s: %+v", want, c)
		}
	}
}

// hostileName breaks out of every format that does not escape it, and tries to
// command the terminal and GitHub's runner.
const hostileName = `X/a=<script>alert(1)</script>/b="><img_src=x_onerror=alert(1)>/c=]]>&amp;|x|` + "`y`" + `/d=[l](http://e)/e=%0A::error::/f=` + "\x1b[31mred\a\xff" + `/@all-1`

func hostileReport(t *testing.T) *Report {
	t.Helper()
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		for _, col := range []string{"<b>base</b>", "::warning::head"} {
			factor := 1.0
			if strings.HasSuffix(col, "head") {
				factor = 1.5
			}
			add(t, b, col, hostileName, "sec/op", factor*(1+0.01*float64(i)))
			add(t, b, col, hostileName, "<script>/op", factor)
			add(t, b, col, "plain", "sec/op", factor*(1+0.01*float64(i)))
		}
	}
	r, err := b.Report()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Judge(Policy{MinEffect: 0.02}); err != nil {
		t.Fatal(err)
	}
	return r
}

// Whatever a record is called, no format carries it further than as text.
func TestHostileNames(t *testing.T) {
	r := hostileReport(t)
	for _, format := range Formats() {
		var buf bytes.Buffer
		if err := r.Write(&buf, format); err != nil {
			t.Fatal(err)
		}
		text := buf.String()
		if format != "csv" && (strings.Contains(text, "\x1b") || strings.Contains(text, "\a") || !utf8.ValidString(text)) {
			t.Errorf("%s has control characters", format)
		}
		switch format {
		case "html":
			if strings.Contains(text, "<script") || strings.Contains(text, "<img") || strings.Contains(text, "<b>") {
				t.Errorf("html is not escaped:\n%s", text)
			}
		case "markdown":
			if strings.Contains(text, "[l](") || strings.Contains(strings.ReplaceAll(text, `\<`, ""), "<") {
				t.Errorf("markdown is not escaped:\n%s", text)
			}
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != strings.Count(line, "|")-strings.Count(line, `\|`) {
					t.Errorf("a cell was split: %s", line)
				}
			}
		case "github":
			for line := range strings.Lines(text) {
				if strings.Count(line, "::error") > 1 && !strings.Contains(line, "%250A::error") || !strings.HasPrefix(line, "::error title=") {
					t.Errorf("an annotation of its own: %s", line)
				}
			}
		case "junit":
			var suites junit.Testsuites
			if err := xml.Unmarshal(buf.Bytes(), &suites); err != nil {
				t.Errorf("junit: %v", err)
			} else if suites.Tests != 3 || suites.Failures != 2 {
				t.Errorf("junit: %d tests, %d failures; want 3, 2", suites.Tests, suites.Failures)
			}
		case "json":
			var j jsonReport
			if err := json.Unmarshal(buf.Bytes(), &j); err != nil {
				t.Errorf("json: %v", err)
			}
		case "csv":
			rows, err := csv.NewReader(&buf).ReadAll()
			if err != nil || len(rows) != 1+6 {
				t.Errorf("csv: %d rows, error %v", len(rows), err)
			}
		}
	}
}

// Files that are no good give one error that names the file.
func TestBadFiles(t *testing.T) {
	good := "BenchmarkX-1 1 5 ns/op\n"
	for _, x := range []struct {
		name, text, want string
		nothing          bool
	}{
		{"empty", "", "holds no benchmark record", true},
		{"prose", "no benchmark here\nPASS\n", "holds no benchmark record", true},
		{"utf16", "\xff\xfeB\x00e\x00n\x00c\x00h\x00\n\x00", "holds no benchmark record", true},
		{"cut in a unit", good + "BenchmarkX-1 1 5 ns/o", "cut off", false},
		{"cut in a number", good + "BenchmarkX-1 1 ", "file:2: missing measurements", false},
		{"cut in a name", good + "BenchmarkX-", "cut off", false},
		{"no unit", good + "BenchmarkX-1 1 5\n", "file:2: missing units", false},
		{"no number", good + "BenchmarkX-1 1 fast ns/op\n", "file:2: parsing measurement", false},
		{"NaN", good + "BenchmarkX-1 1 NaN ns/op\n", "file:2:", false},
		{"Inf", good + "BenchmarkX-1 1 +Inf ns/op\n", "file:2:", false},
		{"two directions", "Unit x better=higher\nUnit x better=lower\n" + good, "file:2: metadata better of unit x already set to higher", false},
		{"long line", good + "BenchmarkX-1 1 5 ns/op " + strings.Repeat("x", 1<<17) + "\n", "a line is longer than 65536 bytes", false},
	} {
		b, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = b.Read(strings.NewReader(x.text), "file", "file")
		if err == nil || !strings.Contains(err.Error(), x.want) || errors.Is(err, ErrNothing) != x.nothing || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", x.name, err, x.want)
		}
	}
}

// Two files that measure in different units share no row; neither passes.
func TestMixedUnits(t *testing.T) {
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		add(t, b, "old", "X", "sec/op", 1+0.01*float64(i))
		add(t, b, "new", "X", "cycles/op", 1e9)
	}
	r, err := b.Report()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Judge(Policy{}); err != nil {
		t.Fatal(err)
	}
	if r.Gate.Pass() || r.Gate.Counts[Missing] != 1 {
		t.Errorf("gate %s, want a missing sec/op", r.Gate.Headline())
	}
}

// A configuration that differs keeps rows apart, which must be told.
func TestApart(t *testing.T) {
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"old", "new"} {
		if err := b.Read(strings.NewReader("goos: linux\ncpu: "+label+"\nBenchmarkX-1 1 5 ns/op\n"), label, label); err != nil {
			t.Fatal(err)
		}
	}
	r, err := b.Report()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "differ in cpu and have no row in common") {
		t.Errorf("notes %q, want one that names cpu and not goos", r.Notes)
	}
}
