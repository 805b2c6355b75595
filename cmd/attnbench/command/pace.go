package command

import (
	"bufio"
	"fmt"
	"io"
)

// pacedFlag makes run take its samples by turns with other processes: before
// each it writes readyMark as a line on stderr and waits for a line on stdin.
const (
	pacedFlag = "--paced"
	readyMark = "@ready"
)

// A pacer waits for its turn. A nil pacer never waits.
type pacer struct {
	in  *bufio.Reader
	out io.Writer
}

func newPacer(on bool, in io.Reader, out io.Writer) *pacer {
	if !on {
		return nil
	}
	return &pacer{bufio.NewReader(in), out}
}

// wait reports whether there is a turn to take; the end of the input is the end
// of the run.
func (p *pacer) wait() bool {
	if p == nil {
		return true
	}
	fmt.Fprintln(p.out, readyMark)
	_, err := p.in.ReadString('\n')
	return err == nil
}
