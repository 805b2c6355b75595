package external

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"unsafe"

	"github.com/attnbench/attnbench/kernels"
)

// A Library is a shared library that was loaded. It stays so until the process
// ends: its threads may outlive every plan.
type Library struct {
	Name    string // of the file, without folders
	SHA256  string // of the file, in hexadecimal
	Kernels []kernels.Kernel
}

// Load loads a shared library and returns its kernels, which it does not
// register. A prefix that is not empty is put before their names, with a hyphen.
// The error is about the library; it does not repeat the path. Where no library
// can be loaded at all, it wraps errors.ErrUnsupported.
func Load(path, prefix string) (*Library, error) {
	path, err := filepath.Abs(path) // without a slash, it would be looked for elsewhere
	if err != nil {
		return nil, err
	}
	l := &Library{Name: filepath.Base(path)}
	if l.SHA256, err = sum(path); err != nil {
		return nil, err
	}
	if err := checkMachine(path); err != nil {
		return nil, err
	}
	tables, err := apart(func() ([]table, error) { return load(path) })
	if err != nil {
		return nil, err
	}
	for i := range tables {
		k, err := l.kernel(&tables[i], prefix)
		if err != nil {
			return nil, fmt.Errorf("kernel %d: %w", i, err)
		}
		l.Kernels = append(l.Kernels, k)
	}
	return l, nil
}

// String names the build: the file and the beginning of its checksum.
func (l *Library) String() string { return fmt.Sprintf("%s sha256:%s", l.Name, l.SHA256[:12]) }

func sum(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", cause(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, errors.New("is no regular file"))
	}
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", cause(err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// cause strips the operation and the path, which the caller names.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// checkMachine refuses a library for another processor by its name: to the
// dynamic linker it is a file that it can't find.
func checkMachine(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return nil // of another format, or none: the linker's word counts
	}
	defer file.Close()
	want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
	if file.Type != elf.ET_DYN {
		return fmt.Errorf("is no shared library, but %v", file.Type)
	}
	if file.Machine != want {
		return fmt.Errorf("is for %v, and this attnbench for %v", file.Machine, want)
	}
	return nil
}

// apart runs f on a thread of its own, which ends with it.
//
// Note: gcc links into a library that it optimises with -ffast-math code which
// makes the thread that loads it flush denormals, and so would every thread that
// is made from there. It does not reach this one; see modeIntact. What f reads
// through a bad pointer is an error.
func apart(f func() ([]table, error)) (tables []table, err error) {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends here
		defer close(done)
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			if fault := recover(); fault != nil {
				err = fmt.Errorf("its table of kernels can't be read: %v", fault)
			}
		}()
		tables, err = f()
	}()
	<-done
	return tables, err
}

// maxKernels is far above any library's; more is a table without an end.
const maxKernels = 1024

// load opens the library and copies its tables.
func load(path string) ([]table, error) {
	handle, err := open(path)
	if err != nil {
		return nil, err
	}
	entry, err := symbol(handle, entryPoint)
	if err != nil {
		return nil, fmt.Errorf("does not export %s, which attnbench.h states", entryPoint)
	}
	list := call(entry, abiVersion)
	if list == 0 {
		return nil, fmt.Errorf("does not speak version %d of attnbench.h", abiVersion)
	}
	var tables []table
	for i := range maxKernels {
		at := *(*uintptr)(unsafe.Add(pointer(list), i*int(unsafe.Sizeof(list))))
		if at == 0 {
			if i == 0 {
				return nil, errors.New("has no kernels")
			}
			return tables, nil
		}
		t, err := readTable(at)
		if err != nil {
			return nil, fmt.Errorf("kernel %d: %w", i, err)
		}
		tables = append(tables, t)
	}
	return nil, fmt.Errorf("more than %d kernels: no NULL behind the last one", maxKernels)
}

// readTable copies what the structure's size reaches.
func readTable(at uintptr) (table, error) {
	const sane = 1 << 12
	size := *(*uintptr)(pointer(at))
	if size < required || size > sane {
		return table{}, fmt.Errorf("a structure of %d bytes: its size must be sizeof(attnbench_kernel)", size)
	}
	var t table
	copied := min(size, unsafe.Sizeof(t))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&t)), copied), unsafe.Slice((*byte)(pointer(at)), copied))
	t.size = copied
	return t, nil
}

// Texts of a kernel may have so many bytes.
const (
	maxName        = 40
	maxDescription = 200
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// kernel checks a table and makes a kernel of it.
func (l *Library) kernel(t *table, prefix string) (*kernel, error) {
	k := &kernel{library: l, table: *t}
	var err error
	if k.name, err = readText(t.name, maxName); err != nil {
		return nil, fmt.Errorf("name %w", err)
	}
	if !nameForm.MatchString(k.name) {
		return nil, fmt.Errorf("name %q: want letters a-z, digits, and . _ - behind the first", k.name)
	}
	if k.describe, err = readText(t.description, maxDescription); err != nil {
		return nil, fmt.Errorf("%s: description %w", k.name, err)
	}
	if rest := t.flags &^ knownFlags; rest != 0 {
		return nil, fmt.Errorf("%s: flags %#x: of a later version", k.name, rest)
	}
	for _, f := range []struct {
		name string
		at   uintptr
	}{{"plan", t.plan}, {"bind", t.bind}, {"run", t.run}, {"close", t.close}} {
		if f.at == 0 {
			return nil, fmt.Errorf("%s: %s is NULL", k.name, f.name)
		}
	}
	if prefix != "" {
		k.name = prefix + "-" + k.name
	}
	return k, nil
}
