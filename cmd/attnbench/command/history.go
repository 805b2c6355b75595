package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/attnbench/attnbench/reports/compare"
	"github.com/attnbench/attnbench/reports/history"
	"github.com/attnbench/attnbench/reports/page"
	"github.com/attnbench/attnbench/reports/runs"
)

// historyFlags state what is followed, and what counts as a change.
type historyFlags struct {
	path, format string
	since, order string
	units        []string
	minEffect    string
	history.Options
}

// historyFormats are those of the history.
var historyFormats = []string{"text", "html"}

func newHistory() *cobra.Command {
	f := historyFlags{Options: history.Defaults}
	cmd := &cobra.Command{
		Use:   "history DIR",
		Short: "Follow benchmarks over commits, and find where they changed",
		Long: `history reads a folder of records, a file or more for each commit, and finds the
commits where a new level began: E-divisive change points with a permutation
test, at a level that holds over all benchmarks together.

Commits are in the order of their time, which records of attnbench run state
when the binary was built in a repository, or else in that of the files' names.

With --fail-since it exits with 1 if something got worse after a commit, and
still is. The commit is one that was measured, the start of its hash, the name
of its file, or any revision that git knows in the current folder.`,
		Example: "  attnbench run -o results/$(git rev-parse HEAD).txt\n" +
			"  attnbench history results\n" +
			"  attnbench history results --format html -o history.html\n" +
			"  attnbench history results --fail-since v1.2.0",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("history: %d arguments: want one folder of records", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *historyFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.path, "output", "o", "", "`file` for the history (default standard output)")
	flags.StringVar(&f.format, "format", "text", "`format`: text or html")
	flags.StringVar(&f.since, "fail-since", "", "fail on what got worse after this `revision`")
	flags.StringVar(&f.order, "order", string(history.Auto), "`order` of the commits: auto, time or name")
	flags.StringSliceVar(&f.units, "unit", history.Units, "`units` to follow")
	flags.Float64Var(&f.Alpha, "alpha", f.Alpha, "`level` of the tests, α, over all benchmarks together")
	flags.StringVar(&f.minEffect, "min-effect", "2%", "`share` below which a change is not one")
	flags.IntVar(&f.Guard, "guard", f.Guard, "least `number` of commits before and after a change")
	flags.Uint64Var(&f.Seed, "seed", f.Seed, "`seed` of the permutations")
}

func (f *historyFlags) check() error {
	switch {
	case !slices.Contains(historyFormats, f.format):
		return fmt.Errorf("format %q: want one of %s", f.format, strings.Join(historyFormats, ", "))
	case !slices.Contains([]history.Order{history.Auto, history.ByTime, history.ByName}, history.Order(f.order)):
		return fmt.Errorf("order %q: want one of auto, time, name", f.order)
	case !(f.Alpha > 0 && f.Alpha < 1):
		return fmt.Errorf("--alpha %v: must be between 0 and 1", f.Alpha)
	case f.Guard < 2 || f.Guard > 1000:
		return fmt.Errorf("--guard %d: must be in 2..1000", f.Guard)
	}
	effect, err := compare.ParseBudgets("sec/op:" + f.minEffect)
	if err != nil || len(effect) != 1 || !effect[0].Relative {
		return fmt.Errorf("--min-effect %q: want a percentage of at least 0, such as 2%%", f.minEffect)
	}
	f.MinEffect = effect[0].Limit
	return nil
}

func (f *historyFlags) run(cmd *cobra.Command, dir string) error {
	if err := f.check(); err != nil {
		return usage(err)
	}
	files, err := readFolder(dir)
	if err != nil {
		return usage(err)
	}
	h, err := history.New(files, f.units, history.Order(f.order), f.Options)
	if err != nil {
		return unreadable(err)
	}
	since := 0
	if f.since != "" {
		if since, err = f.find(cmd, h); err != nil {
			return usage(err)
		}
	}
	write := h.WriteText
	if f.format == "html" {
		write = func(w io.Writer) error { return page.WriteHistory(w, h) }
	}
	if err := writeWhole(f.path, cmd.OutOrStdout(), write); err != nil {
		return err
	}
	if f.since == "" {
		return nil
	}
	return f.judge(cmd.ErrOrStderr(), h, since)
}

// judge fails on what got worse after a commit.
func (f *historyFlags) judge(w io.Writer, h *history.History, since int) error {
	worse := h.Since(since)
	if len(worse) == 0 {
		fmt.Fprintf(w, "nothing got worse since %s\n", h.Commits[since].Short())
		return nil
	}
	if err := h.ChangeTable("Worse since "+h.Commits[since].Short(), worse).Write(w); err != nil {
		return failed(err)
	}
	return failed(fmt.Errorf("%d of %d benchmarks got worse since %s", count(worse), len(h.Tracks), h.Commits[since].Short()))
}

// count returns the number of tracks that changes are of.
func count(changes []history.Change) int {
	tracks := map[*history.Track]bool{}
	for _, c := range changes {
		tracks[c.Track] = true
	}
	return len(tracks)
}

// find looks for a revision among the commits that were measured, then asks
// git what it stands for: a hash among them, or else a time between theirs.
func (f *historyFlags) find(cmd *cobra.Command, h *history.History) (int, error) {
	at, err := h.Find(f.since)
	if err == nil {
		return at, nil
	}
	out, gitErr := exec.CommandContext(cmd.Context(), "git", "show", "--no-patch", "--format=%H %cI", "--end-of-options", f.since+"^{commit}").Output()
	hash, date, ok := strings.Cut(strings.TrimSpace(string(out)), " ")
	if gitErr != nil || !ok {
		return 0, fmt.Errorf("--fail-since: %w, and none that git knows here", err)
	}
	if at, err := h.Find(hash); err == nil {
		return at, nil
	}
	when, timeErr := time.Parse(time.RFC3339, date)
	if timeErr != nil {
		return 0, fmt.Errorf("--fail-since: %w", err)
	}
	if at, timeErr = h.At(when); timeErr != nil {
		return 0, fmt.Errorf("--fail-since: %w; %w", err, timeErr)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "note: %s was not measured; the last commit before it that was is %s\n", f.since, h.Commits[at].Short())
	return at, nil
}

// readFolder reads the files of a folder and those below it, but for hidden
// ones. Their names are relative to it.
func readFolder(dir string) ([]runs.File, error) {
	var files []runs.File
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		hidden := path != dir && strings.HasPrefix(entry.Name(), ".")
		switch {
		case err != nil:
			return err
		case hidden && entry.IsDir():
			return filepath.SkipDir
		case hidden || !entry.Type().IsRegular():
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text, err := readText(path, maxRecords)
		files = append(files, runs.File{Name: filepath.ToSlash(name), Text: text})
		return err
	})
	if err == nil && len(files) == 0 {
		err = errors.New("has no files")
	}
	if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
		err = errors.New("is a file, want a folder")
	}
	if err != nil {
		return nil, fmt.Errorf("folder %q: %w", dir, cause(err))
	}
	return files, nil
}
