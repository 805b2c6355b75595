package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A builder makes programs of the operands of ab.
type builder struct {
	temp, pkg, tags string
	w               io.Writer
}

// program returns the path of what to run: the operand itself if it is a file,
// and what is built of it if it is a folder or a git revision. Errors carry
// their exit code.
func (b *builder) program(ctx context.Context, operand, name string) (string, error) {
	info, err := os.Stat(operand)
	switch {
	case err == nil && info.Mode().IsRegular():
		return b.executable(operand, info)
	case err == nil && info.IsDir():
		return b.build(ctx, operand, operand, name)
	}
	out, err := b.command(ctx, ".", "git", "rev-parse", "--verify", "--quiet", "--end-of-options", operand+"^{commit}")
	if err != nil {
		return "", usagef("ab %q: want a program, a folder, or a git revision", operand)
	}
	commit := strings.TrimSpace(out)
	tree := filepath.Join(b.temp, name+"-tree")
	if _, err := b.command(ctx, ".", "git", "worktree", "add", "--detach", "--quiet", tree, commit); err != nil {
		return "", failed(fmt.Errorf("ab %q: %w", operand, err))
	}
	defer b.command(context.WithoutCancel(ctx), ".", "git", "worktree", "remove", "--force", tree)
	return b.build(ctx, tree, operand, name)
}

func (b *builder) executable(path string, info os.FileInfo) (string, error) {
	if info.Mode().Perm()&0o111 == 0 {
		return "", usagef("ab %q: is not executable", path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", failed(err)
	}
	return abs, nil
}

func (b *builder) build(ctx context.Context, dir, operand, name string) (string, error) {
	fmt.Fprintf(b.w, "building %s of %s\n", b.pkg, operand)
	program := filepath.Join(b.temp, name)
	args := []string{"build", "-o", program}
	if b.tags != "" {
		args = append(args, "-tags", b.tags)
	}
	if _, err := b.command(ctx, dir, "go", append(args, b.pkg)...); err != nil {
		return "", failed(fmt.Errorf("ab %q: %w", operand, err))
	}
	return program, nil
}

// command runs a program to its end. Its error has the last line of stderr.
func (b *builder) command(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if line := lastLine(string(exit.Stderr)); line != "" {
			return "", fmt.Errorf("%s %s: %s", program, args[0], line)
		}
	}
	return "", fmt.Errorf("%s %s: %w", program, args[0], err)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
