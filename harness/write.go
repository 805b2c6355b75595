package harness

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// formats are the ways to write records.
var formats = []struct {
	name  string
	write func(w io.Writer, records []*benchfmt.Result) error
}{
	{"bench", writeBench},
	{"json", writeJSON},
	{"csv", writeCSV},
}

// Formats returns the names of the formats of Write.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// CheckFormat returns an error that lists the formats if name is none of them.
func CheckFormat(name string) error {
	if !slices.Contains(Formats(), name) {
		return fmt.Errorf("format %q: want one of %s", name, strings.Join(Formats(), ", "))
	}
	return nil
}

// Write writes records in one of the [Formats]: "bench" is the Go benchmark
// format, "json" an object a line, "csv" a table with a header. All three have
// the same records; what a record lacks is left out, or blank in the table.
func Write(w io.Writer, format string, records []*benchfmt.Result) error {
	if err := CheckFormat(format); err != nil {
		return err
	}
	buffered := bufio.NewWriter(w)
	for _, f := range formats {
		if f.name == format {
			if err := f.write(buffered, records); err != nil {
				return err
			}
		}
	}
	return buffered.Flush()
}

// writeBench writes units, remarks and records. The remarks, which are those
// of the first record, are comments: readers of the format pass over them.
func writeBench(w io.Writer, records []*benchfmt.Result) error {
	out := benchfmt.NewWriter(w)
	for _, unit := range Units() {
		if err := out.Write(unit); err != nil {
			return err
		}
	}
	for i, r := range records {
		if i == 0 {
			for _, c := range r.Config {
				if !c.File {
					fmt.Fprintf(w, "# %s: %s\n", c.Key, c.Value)
				}
			}
		}
		if err := out.Write(r); err != nil {
			return err
		}
	}
	return nil
}

// A jsonRecord is a record as one JSON object.
type jsonRecord struct {
	Benchmark  string             `json:"benchmark"`
	Params     map[string]any     `json:"params"` // numbers where they are numbers
	Threads    int                `json:"threads"`
	Iterations int                `json:"iterations"`
	Metrics    map[string]float64 `json:"metrics"` // by unit, base units
	Config     map[string]string  `json:"config"`
}

func writeJSON(w io.Writer, records []*benchfmt.Result) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, r := range records {
		name := parseName(r.Name)
		j := jsonRecord{
			Benchmark: name.base, Threads: name.threads, Iterations: r.Iters,
			Params: map[string]any{}, Metrics: map[string]float64{}, Config: map[string]string{},
		}
		for _, p := range name.params {
			j.Params[p.key] = p.value
			if n, err := strconv.Atoi(p.value); err == nil {
				j.Params[p.key] = n
			}
		}
		for _, v := range r.Values {
			j.Metrics[v.Unit] = v.Value
		}
		for _, c := range r.Config {
			j.Config[c.Key] = string(c.Value)
		}
		if err := out.Encode(j); err != nil {
			return err
		}
	}
	return nil
}

// A nameParts is a benchmark name taken apart.
type nameParts struct {
	base    string
	params  []param
	threads int
}

type param struct{ key, value string }

func parseName(name benchfmt.Name) nameParts {
	base, parts := name.Parts()
	n := nameParts{base: string(base)}
	for _, part := range parts {
		key, value, ok := strings.Cut(string(part[1:]), "=")
		if ok && part[0] == '/' {
			n.params = append(n.params, param{key, value})
		} else if part[0] == '-' {
			n.threads, _ = strconv.Atoi(key)
		}
	}
	return n
}

// writeCSV writes a column for each parameter, unit and configuration key that
// any record has, in the order in which they first appear.
func writeCSV(w io.Writer, records []*benchfmt.Result) error {
	var params, units, config []string
	include := func(list *[]string, key string) {
		if !slices.Contains(*list, key) {
			*list = append(*list, key)
		}
	}
	for _, r := range records {
		for _, p := range parseName(r.Name).params {
			include(&params, p.key)
		}
		for _, v := range r.Values {
			include(&units, v.Unit)
		}
		for _, c := range r.Config {
			include(&config, c.Key)
		}
	}
	out := csv.NewWriter(w)
	out.Write(slices.Concat([]string{"benchmark"}, params, []string{"threads", "iterations"}, units, config))
	for _, r := range records {
		out.Write(csvRow(r, params, units, config))
	}
	out.Flush()
	return out.Error()
}

func csvRow(r *benchfmt.Result, params, units, config []string) []string {
	name := parseName(r.Name)
	row := []string{name.base}
	for _, key := range params {
		value := ""
		for _, p := range name.params {
			if p.key == key {
				value = p.value
			}
		}
		row = append(row, value)
	}
	row = append(row, strconv.Itoa(name.threads), strconv.Itoa(r.Iters))
	for _, unit := range units {
		value := ""
		if v, ok := r.Value(unit); ok {
			value = strconv.FormatFloat(v, 'g', -1, 64)
		}
		row = append(row, value)
	}
	for _, key := range config {
		row = append(row, r.GetConfig(key))
	}
	return row
}
