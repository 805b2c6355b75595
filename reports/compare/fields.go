package compare

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// fields takes a row's key apart, and a full benchmark name with it, so that a
// table has a column for each part that differs.
func fields(key benchproc.Key) []Field {
	var list []Field
	for _, f := range key.Projection().FlattenedFields() {
		value := key.Get(f)
		if f.Name == ".fullname" {
			list = append(list, nameFields(benchfmt.Name(value))...)
		} else {
			list = append(list, Field{strings.TrimPrefix(f.Name, "/"), value})
		}
	}
	return list
}

// nameFields returns the parts of a full benchmark name.
func nameFields(name benchfmt.Name) []Field {
	base, parts := name.Parts()
	list := []Field{{"name", string(base)}}
	for i, part := range parts {
		text := string(part[1:])
		k, v, ok := strings.Cut(text, "=")
		switch {
		case part[0] == '-':
			list = append(list, Field{"threads", text})
		case ok:
			list = append(list, Field{k, v})
		default:
			list = append(list, Field{fmt.Sprintf("part %d", i+1), text})
		}
	}
	return list
}

func (r *Row) field(key string) string {
	for _, f := range r.Fields {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// columns splits the keys of a table's rows into those that get a column, and
// the fields that all rows share. Lengths that are equal everywhere are one n.
func (t *Table) columns() (keys []string, shared []Field) {
	var all []string
	for _, r := range t.Rows {
		for _, f := range r.Fields {
			if !slices.Contains(all, f.Key) {
				all = append(all, f.Key)
			}
		}
	}
	square := slices.Contains(all, "qlen") && !slices.ContainsFunc(t.Rows, func(r *Row) bool { return r.field("qlen") != r.field("kvlen") })
	for _, key := range all {
		first := t.Rows[0].field(key)
		varies := slices.ContainsFunc(t.Rows, func(r *Row) bool { return r.field(key) != first })
		switch {
		case key == "qlen" && square:
		case varies || key == "kernel" || key == "kvlen":
			keys = append(keys, key)
		default:
			shared = append(shared, Field{key, first})
		}
	}
	if len(keys) == 0 {
		keys, shared = all[:1], shared[1:]
	}
	return keys, shared
}

// heading is what a column of a key is called.
func heading(key string) string {
	if key == "kvlen" {
		return "n"
	}
	return plain(key)
}

// plain returns text that a terminal prints and does not obey: a record may
// have any name.
func plain(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "\\u%04x", r)
		}
	}
	return out.String()
}
