package command

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/reports"
	"github.com/attnbench/attnbench/reports/paired"
)

// roles are the programs of a round.
var roles = [3]string{"base", "base again", "head"}

// round runs the base twice and the head once, in fresh processes. Programs
// that can be paced take turns sample by sample; others run one after another.
// Either order is random.
func (x *sideBySide) round(ctx context.Context) (paired.Round, error) {
	programs := [3]string{x.programs[0], x.programs[0], x.programs[1]}
	var texts [3]string
	var err error
	if slices.Contains(x.args, pacedFlag) {
		texts, err = x.inTurns(ctx, programs)
	} else {
		texts, err = x.inSequence(ctx, programs)
	}
	if err != nil {
		return paired.Round{}, err
	}
	var samples [3]paired.Samples
	for i, text := range texts {
		if samples[i], err = x.readSamples(text, roles[i]); err != nil {
			return paired.Round{}, err
		}
		x.text[i].WriteString(text)
	}
	return paired.Round{Base: samples[0], Again: samples[1], Head: samples[2]}, nil
}

func (x *sideBySide) inSequence(ctx context.Context, programs [3]string) (texts [3]string, err error) {
	for _, i := range x.rng.Perm(3) {
		p, err := startPaced(ctx, programs[i], x.args)
		if err != nil {
			return texts, failed(fmt.Errorf("%s: %w", roles[i], err))
		}
		for range p.ready { // none, or a program that wants to be paced after all
			p.turn()
		}
		if texts[i], err = p.finish(ctx); err != nil {
			return texts, failed(fmt.Errorf("%s: %w", roles[i], err))
		}
	}
	return texts, nil
}

// inTurns starts all three and gives each its turn for one sample, in a new
// order every time, until they end.
func (x *sideBySide) inTurns(ctx context.Context, programs [3]string) (texts [3]string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // on error, ends those that are left
	var running [3]*pacedProcess
	for _, i := range x.rng.Perm(3) {
		if running[i], err = startPaced(ctx, programs[i], x.args); err != nil {
			return texts, failed(fmt.Errorf("%s: %w", roles[i], err))
		}
	}
	alive := 0
	for _, p := range running { // all prepare before any measures
		if p.wait(); !p.ended {
			alive++
		}
	}
	for alive > 0 {
		alive = 0
		for _, i := range x.rng.Perm(3) {
			if p := running[i]; !p.ended {
				p.turn()
				if p.wait(); !p.ended {
					alive++
				}
			}
		}
	}
	for i, p := range running {
		if texts[i], err = p.finish(ctx); err != nil {
			return texts, failed(fmt.Errorf("%s: %w", roles[i], err))
		}
	}
	return texts, nil
}

// A pacedProcess is a run that waits before each sample until it is its turn.
type pacedProcess struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout bytes.Buffer
	ready  chan struct{} // closed when stderr ends
	last   string        // line of stderr, once ready is closed
	ended  bool
}

func startPaced(ctx context.Context, program string, args []string) (*pacedProcess, error) {
	p := &pacedProcess{cmd: exec.CommandContext(ctx, program, args...), ready: make(chan struct{})}
	p.cmd.Stdout = &p.stdout
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.listen(stderr)
	return p, nil
}

// listen turns the marks on stderr into turns, and keeps its last other line.
func (p *pacedProcess) listen(stderr io.Reader) {
	defer close(p.ready)
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == readyMark {
			p.ready <- struct{}{}
		} else if line != "" {
			p.last = line
		}
		if err != nil {
			return
		}
	}
}

// wait returns when the process is ready for its turn, or has ended.
func (p *pacedProcess) wait() {
	if _, ok := <-p.ready; !ok {
		p.ended = true
	}
}

// turn lets the process take a sample. An error is that of a process that has
// ended, which wait will see.
func (p *pacedProcess) turn() { io.WriteString(p.stdin, "\n") }

// finish returns what the process wrote.
func (p *pacedProcess) finish(ctx context.Context) (string, error) {
	for range p.ready {
		p.turn()
	}
	err := p.cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("interrupted: nothing is decided")
	case err != nil && p.last != "":
		return "", fmt.Errorf("%w: %s", err, p.last)
	case err != nil:
		return "", err
	}
	return p.stdout.String(), nil
}

// readSamples returns the values of each benchmark in the units that are judged.
func (x *sideBySide) readSamples(text, name string) (paired.Samples, error) {
	samples := paired.Samples{}
	x.reader.Reset(strings.NewReader(text), name)
	for x.reader.Scan() {
		switch rec := x.reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, failed(rec)
		case *benchfmt.Result:
			if err := x.take(rec, samples); err != nil {
				return nil, failed(fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	if err := x.reader.Err(); err != nil {
		return nil, failed(err)
	}
	if len(samples) == 0 {
		return nil, &exitError{exitNothing, fmt.Errorf("%s wrote no benchmark with %s: nothing was measured", name, strings.Join(x.units, ", "))}
	}
	return samples, nil
}

func (x *sideBySide) take(rec *benchfmt.Result, samples paired.Samples) error {
	if err := reports.CheckValues(rec); err != nil {
		return err
	}
	key := paired.Key{Config: configOf(rec), Name: rec.Name.String()}
	for _, v := range rec.Values {
		if x.seen[v.Unit] = true; slices.Contains(x.units, v.Unit) {
			key.Unit = v.Unit
			samples[key] = append(samples[key], v.Value)
		}
	}
	return nil
}

// judgeable refuses to measure on for a unit that the base does not have.
func (x *sideBySide) judgeable(first paired.Round) error {
	for _, unit := range x.units {
		has := false
		for k := range first.Base {
			has = has || k.Unit == unit
		}
		if !has {
			return failed(fmt.Errorf("budget of %s: base wrote no benchmark with it, and a budget that judges nothing is no pass; there are %s",
				unit, strings.Join(slices.Sorted(maps.Keys(x.seen)), ", ")))
		}
	}
	return nil
}

func configOf(rec *benchfmt.Result) string {
	var parts []string
	for _, c := range rec.Config {
		if c.File {
			parts = append(parts, fmt.Sprintf("%s: %s", c.Key, c.Value))
		}
	}
	return strings.Join(parts, "\n")
}
