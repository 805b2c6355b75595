package external

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// What a C compiler makes of attnbench.h is what Go reads and writes. Fields are
// in the same order here and there; two have other names.
func TestLayout(t *testing.T) {
	handle, err := open(library(t, "testdata/layout.c", "-std=c99", "-Wpedantic"))
	if err != nil {
		t.Fatal(err)
	}
	layout, err := symbol(handle, "layout")
	if err != nil {
		t.Fatal(err)
	}
	text, err := readText(call(layout), 4096)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, s := range []struct {
		name string
		of   any
	}{{"interval", interval{}}, {"problem", problem{}}, {"tensor", tensor{}}, {"operands", operands{}}, {"kernel", table{}}} {
		want = append(want, fields(s.name, reflect.TypeOf(s.of))...)
	}
	for _, c := range []struct {
		name  string
		value int
	}{
		{"ABI", abiVersion}, {"OK", ok}, {"UNSUPPORTED", unsupported}, {"ROWS", flagRows}, {"NO_LSE", flagNoLSE},
		{"FLOAT32", int(kernels.Float32)}, {"FLOAT16", int(kernels.Float16)},
		{"BFLOAT16", int(kernels.BFloat16)}, {"INT8", int(kernels.Int8)},
	} {
		want = append(want, c.name, strconv.Itoa(c.value))
	}
	got := strings.Fields(text)
	if !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("from word %d: C has\n%s\nGo has\n%s", i+1, strings.Join(got[min(i, len(got)):], " "), strings.Join(want[min(i, len(want)):], " "))
			}
		}
	}
}

// fields lists the size of a structure and its fields, with the names of C.
func fields(name string, t reflect.Type) []string {
	list := []string{name, fmt.Sprint(t.Size())}
	for i := range t.NumField() {
		f := t.Field(i)
		field := f.Name
		if field == "length" {
			field = "len"
		}
		var snake strings.Builder
		for j, r := range field {
			if upper := r >= 'A' && r <= 'Z'; upper && j > 0 && !strings.HasSuffix(snake.String(), "_") {
				snake.WriteByte('_')
			}
			snake.WriteString(strings.ToLower(string(r)))
		}
		list = append(list, name+"."+strings.ReplaceAll(snake.String(), "kv_d_type", "kv_dtype"), fmt.Sprint(f.Offset))
	}
	return list
}
