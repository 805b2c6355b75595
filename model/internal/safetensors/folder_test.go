package safetensors

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func shard(name string) *fstest.MapFile {
	return &fstest.MapFile{Data: raw(fmt.Sprintf(`{%q:{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, name), 8)}
}

func index(text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(`{"metadata":{"total_size":16},"weight_map":` + text + `}`)}
}

func TestShards(t *testing.T) {
	d, err := OpenFolder(fstest.MapFS{
		indexFile:       index(`{"a":"1.safetensors","b":"2.safetensors"}`),
		"1.safetensors": shard("a"), "2.safetensors": shard("b"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(d.Names(), " "); got != "a b" || !d.Has("a") || d.Has("c") {
		t.Errorf("tensors %s", got)
	}
	if x, err := d.Matrix("b", 2); err != nil || len(x.Floats()) != 2 {
		t.Errorf("b: %v, %v", x, err)
	}
	if _, err := d.Matrix("c", 4, 5); err == nil || !strings.Contains(err.Error(), `no tensor "c": must be there, of shape [4 5]`) {
		t.Errorf("c: error %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestHostileIndex has indexes that must be refused with a line that names the
// tensor and what was expected.
func TestHostileIndex(t *testing.T) {
	for _, c := range []struct {
		name, index, want string
	}{
		{"not JSON", `{`, indexFile + ": unexpected end of JSON"},
		{"no map", `null`, indexFile + ": no weight_map"},
		{"empty map", `{}`, indexFile + ": no weight_map"},
		{"leads to itself", `{"a":"` + indexFile + `"}`, `tensor "a" in "model.safetensors.index.json": must be in a .safetensors file beside the index`},
		{"leads to another index", `{"a":"other.index.json"}`, `tensor "a" in "other.index.json"`},
		{"leads out", `{"a":"../1.safetensors"}`, `tensor "a" in "../1.safetensors"`},
		{"leads down", `{"a":"x/1.safetensors"}`, `tensor "a" in "x/1.safetensors"`},
		{"leads nowhere", `{"a":""}`, `tensor "a" in ""`},
		{"a folder", `{"a":"d.safetensors"}`, "d.safetensors"},
		{"no such shard", `{"a":"9.safetensors"}`, "9.safetensors"},
		{"in the wrong shard", `{"a":"2.safetensors","b":"1.safetensors"}`, `1.safetensors: no tensor "b": must be there, as model.safetensors.index.json says`},
		{"not in the index", `{"a":"1.safetensors","c":"both.safetensors"}`, `both.safetensors: tensor "d": is not in this file, as`},
		{"in two shards", `{"a":"1.safetensors","b":"1b.safetensors"}`, `1b.safetensors: no tensor "b"`},
		{"a number", `{"a":1}`, indexFile + ": json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := fstest.MapFS{
				indexFile: index(c.index), "1.safetensors": shard("a"), "1b.safetensors": shard("a"), "2.safetensors": shard("b"),
				"both.safetensors": {Data: raw(`{"c":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"d":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
				"d.safetensors/x":  {Data: nil},
				"other.index.json": index(`{"a":"` + indexFile + `"}`),
			}
			_, err := OpenFolder(fsys)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v: want %q in it", err, c.want)
			}
		})
	}
}

// TestNoWeights: the file that is asked for is the usual one.
func TestNoWeights(t *testing.T) {
	_, err := OpenFolder(fstest.MapFS{})
	if err == nil || !strings.Contains(err.Error(), singleFile) || strings.Contains(err.Error(), indexFile) {
		t.Errorf("error %v", err)
	}
	// A broken file is not passed over for an index.
	if _, err := OpenFolder(fstest.MapFS{singleFile: {Data: []byte("x")}, indexFile: index(`{}`)}); err == nil || !strings.HasPrefix(err.Error(), singleFile+": file of 1 bytes") {
		t.Errorf("error %v", err)
	}
}

// FuzzFolder: no index may crash the reader or reach outside the folder.
func FuzzFolder(f *testing.F) {
	f.Add([]byte(`{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}`), shard("b").Data)
	f.Add([]byte(`{"weight_map":{"a":"model.safetensors.index.json"}}`), shard("a").Data)
	f.Add([]byte(`{"weight_map":{"a":"../1.safetensors"}}`), []byte{})
	f.Fuzz(func(t *testing.T, index, second []byte) {
		fsys := watchedFS{t, fstest.MapFS{indexFile: {Data: index}, "1.safetensors": shard("a"), "2.safetensors": {Data: second}}}
		d, err := OpenFolder(fsys)
		if err != nil {
			if text := err.Error(); strings.Contains(text, "\n") || len(text) > 1000 {
				t.Errorf("error of several lines or %d bytes", len(text))
			}
			return
		}
		for _, name := range d.Names() {
			_, _ = d.Matrix(name, 2) // must not crash
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A watchedFS fails the test when a name is opened that does not lie in it.
type watchedFS struct {
	t *testing.T
	fstest.MapFS
}

func (w watchedFS) Open(name string) (fs.File, error) {
	if strings.Contains(name, "/") || !fs.ValidPath(name) {
		w.t.Errorf("opened %q", name)
	}
	return w.MapFS.Open(name)
}
