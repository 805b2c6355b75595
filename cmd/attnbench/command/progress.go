package command

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

// progress shows how far a stage has come: a bar on a terminal, and elsewhere
// one line a stage, for a log has no use for a bar that is drawn over itself.
type progress struct {
	w   io.Writer
	bar *progressbar.ProgressBar // nil where w is no terminal
}

// newProgress starts a stage of total steps.
func newProgress(w io.Writer, stage string, total int) *progress {
	p := &progress{w: w}
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(w),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	p.stage(stage)
	return p
}

// stage names what is being done now.
func (p *progress) stage(text string) {
	if p.bar == nil {
		fmt.Fprintln(p.w, text)
		return
	}
	p.bar.Describe(text)
}

// at says how many steps are done.
func (p *progress) at(done int) {
	if p.bar != nil {
		p.bar.Set(done)
	}
}

// done takes the bar off the terminal.
func (p *progress) done() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
