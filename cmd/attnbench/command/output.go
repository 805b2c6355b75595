package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/attnbench/attnbench/harness"
)

// outputFlags state where the records go, and how.
type outputFlags struct{ path, format string }

// register says where records go without -o: to standard output, or nowhere.
func (f *outputFlags) register(flags *pflag.FlagSet, otherwise string) {
	flags.StringVarP(&f.path, "output", "o", "", "`file` for the records, - for standard output (default "+otherwise+")")
	flags.StringVar(&f.format, "format", "bench", "`format` of the records: bench, json or csv")
}

// checkGiven refuses a format of records that go nowhere.
func (f *outputFlags) checkGiven(flags *pflag.FlagSet) error {
	if flags.Changed("format") && f.path == "" {
		return fmt.Errorf("--format %s without -o: want both, or neither", f.format)
	}
	return harness.CheckFormat(f.format)
}

func (f *outputFlags) open(stdout io.Writer) (*output, error) {
	if err := harness.CheckFormat(f.format); err != nil {
		return nil, err
	}
	return openOutput(f.path, stdout)
}

// An output takes the records of a run. They appear whole when the run ends,
// or not at all: a file is written beside its place and renamed.
type output struct {
	buf    bytes.Buffer
	stdout io.Writer
	path   string   // "" for stdout
	temp   *os.File // nil where path is no regular file
}

// openOutput checks early that the records can be written, so that no one
// waits for a run that has nowhere to go. "" and "-" are standard output.
func openOutput(path string, stdout io.Writer) (*output, error) {
	if path == "" || path == "-" {
		return &output{stdout: stdout}, nil
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // replace what a link points to, not the link
	}
	o := &output{path: path}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("output %q: is a folder, want a file", path)
	case err == nil && !info.Mode().IsRegular():
		return o, nil // a device or a pipe is written as it is
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("output %q: %w", path, cause(err))
	}
	if o.temp, err = os.CreateTemp(filepath.Dir(path), ".attnbench-*"); err != nil {
		return nil, fmt.Errorf("output %q: %w", path, cause(err))
	}
	return o, nil
}

// cause strips the operation and the path, which the caller names better.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func (o *output) Write(p []byte) (int, error) { return o.buf.Write(p) }

// commit writes what was buffered to its place.
func (o *output) commit() error {
	if o.path == "" {
		_, err := o.stdout.Write(o.buf.Bytes())
		return err
	}
	if err := o.replace(); err != nil {
		return fmt.Errorf("output %q: %w", o.path, cause(err))
	}
	return nil
}

func (o *output) replace() error {
	if o.temp == nil {
		return os.WriteFile(o.path, o.buf.Bytes(), 0o666)
	}
	if _, err := o.temp.Write(o.buf.Bytes()); err != nil {
		return err
	}
	if err := errors.Join(o.temp.Chmod(0o644), o.temp.Sync(), o.temp.Close()); err != nil {
		return err
	}
	return os.Rename(o.temp.Name(), o.path)
}

// discard removes what commit has not put in its place. It may always be
// called last.
func (o *output) discard() {
	if o.temp != nil {
		o.temp.Close()
		os.Remove(o.temp.Name())
	}
}
