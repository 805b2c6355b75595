package safetensors

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// write puts a file of two tensors into a new folder: three floats that can be
// used in place, and two halves.
func write(t *testing.T, header string, data []byte) string {
	t.Helper()
	folder := t.TempDir()
	file := append(raw(header, 0), data...)
	if err := os.WriteFile(filepath.Join(folder, singleFile), file, 0o666); err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestMapped: a file of the system is used where it lies, comes back after it was
// forgotten, and what is not aligned is copied.
func TestMapped(t *testing.T) {
	const header = `{"a":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]},"b":{"dtype":"F16","shape":[2],"data_offsets":[12,16]}}`
	data := []byte{0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0x3C, 0, 0xC0} // 1, 2, 3 and 1, −2
	for pad := range 4 {
		d, err := OpenFolder(os.DirFS(write(t, header+strings.Repeat(" ", pad), data)))
		if err != nil {
			t.Fatal(err)
		}
		a, err := d.Matrix("a", 1, 3)
		if err != nil {
			t.Fatal(err)
		}
		d.Forget()
		if got := a.Floats(); !equalBits(got, []float32{1, 2, 3}) {
			t.Errorf("pad %d: %v", pad, got)
		}
		if aligned := (8+len(header)+pad)%4 == 0; (a.InPlace() != nil) != (aligned && littleEndian) {
			t.Errorf("pad %d: used in place is %v", pad, a.InPlace() != nil)
		}
		b, err := d.Matrix("b", 2)
		if err != nil {
			t.Fatal(err)
		}
		row := make([]float32, 2)
		if b.Row(row, 0); !equalBits(row, []float32{1, -2}) {
			t.Errorf("halves %v", row)
		}
		mapped := d.files[0].unmap != nil
		if want := runtime.GOOS == "linux"; want && !mapped {
			t.Error("not mapped")
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("closed twice: %v", err)
		}
	}
}

// TestNotFinite names the tensor and the element, wherever it is, in each type.
func TestNotFinite(t *testing.T) {
	for _, c := range []struct {
		dtype string
		bits  []byte
		want  string
	}{
		{"F32", []byte{0, 0, 0xC0, 0x7F}, "NaN"}, {"F32", []byte{0, 0, 0x80, 0xFF}, "-Inf"},
		{"F16", []byte{1, 0x7E}, "NaN"}, {"F16", []byte{0, 0x7C}, "+Inf"},
		{"BF16", []byte{0xC0, 0x7F}, "NaN"}, {"BF16", []byte{0x80, 0xFF}, "-Inf"},
	} {
		size := len(c.bits)
		data := make([]byte, 300*1000*size) // several blocks
		copy(data[(270*1000+77)*size:], c.bits)
		copy(data[299*1000*size:], c.bits)
		f, err := open(append(raw(`{"w":{"dtype":"`+c.dtype+`","shape":[300,1000],"data_offsets":[0,`+strconv.Itoa(len(data))+`]}}`, 0), data...))
		if err != nil {
			t.Fatal(err)
		}
		want := `w: tensor "w": element 77 of row 270 is ` + c.want + `: must be finite`
		if _, err := f.Matrix("w", 300, 1000); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", c.dtype, err, want)
		}
	}
}
