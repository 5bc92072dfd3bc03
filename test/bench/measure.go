package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// contestant is a program that reads something on stdin and writes something to stdout.
type contestant struct {
	name string
	argv []string
	// env is added to the environment.
	env []string
	// rounds is how often it runs.
	rounds int
	// check reports whether what the program wrote is what the measurement is about:
	// a program that fails early is fast.
	check func(output io.Reader) error
}

// sample is what one run cost.
type sample struct {
	wall   time.Duration
	cpu    time.Duration // of user and system together
	memory int64         // peak resident set, bytes
}

// run lets the contestant work once, from a pipe to a file.
//
// The peak that Linux reports for a child starts with that of its parent, whose
// memory the child shares until it executes the program (fs/exec.c, exec_mmap).
// So this process has to stay small, or it would measure itself: no list is ever
// held in memory here.
func (c contestant) run(input, output, said *os.File) (sample, error) {
	if err := errors.Join(rewind(input), output.Truncate(0), rewind(output), said.Truncate(0), rewind(said)); err != nil {
		return sample{}, err
	}
	command := exec.Command(c.argv[0], c.argv[1:]...)
	command.Env = append(os.Environ(), c.env...)
	command.Stdin = struct{ io.Reader }{input} // no file: it comes by a pipe
	// Files both: to read from a pipe would take a processor from the program.
	command.Stdout, command.Stderr = output, said

	began := time.Now()
	err := command.Run()
	wall := time.Since(began)
	if err != nil {
		why, unread := os.ReadFile(said.Name())
		return sample{}, errors.Join(fmt.Errorf("running %s: %w\n%s", c.name, err, why), unread)
	}
	if err := rewind(output); err != nil {
		return sample{}, err
	}
	if err := c.check(output); err != nil {
		return sample{}, fmt.Errorf("checking what %s made: %w", c.name, err)
	}
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	return sample{wall, command.ProcessState.UserTime() + command.ProcessState.SystemTime(), usage.Maxrss << 10}, nil // Maxrss is in KiB: getrusage(2)
}

func rewind(file *os.File) error {
	_, err := file.Seek(0, io.SeekStart)
	return err
}

// holds is a check: so many lines hold a text.
func holds(text string, lines int) func(io.Reader) error {
	return func(output io.Reader) error {
		found := 0
		r := bufio.NewReader(output)
		for {
			line, err := r.ReadSlice('\n')
			if bytes.Contains(line, []byte(text)) {
				found++
			}
			switch {
			case err == io.EOF && found == lines:
				return nil
			case err == io.EOF:
				return fmt.Errorf("%d lines have %q, not %d", found, text, lines)
			case err != nil && !errors.Is(err, bufio.ErrBufferFull):
				return err
			}
		}
	}
}

// packs is the check of gzip: what it wrote is so many bytes, packed.
func packs(size int64) func(io.Reader) error {
	return func(output io.Reader) error {
		unpacked, err := gzip.NewReader(output)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, unpacked)
		if err == nil && n != size {
			return fmt.Errorf("it is %d bytes, not %d", n, size)
		}
		return err
	}
}

// alternate runs all on the same input, in turns that begin with each of them, so that
// what the machine does beside falls on all. One with fewer rounds has its runs spread
// over those of the others.
func alternate(input *os.File, all ...contestant) ([]summary, error) {
	output, err := os.CreateTemp("", "krm-bypass-bench-out-")
	if err != nil {
		return nil, err
	}
	defer discard(output)
	said, err := os.CreateTemp("", "krm-bypass-bench-said-")
	if err != nil {
		return nil, err
	}
	defer discard(said)
	samples := make([][]sample, len(all))
	most := slices.MaxFunc(all, func(a, b contestant) int { return cmp.Compare(a.rounds, b.rounds) }).rounds
	for round := range most {
		for turn := range all {
			who := (round + turn) % len(all)
			if round*all[who].rounds/most == (round+1)*all[who].rounds/most {
				continue
			}
			taken, err := all[who].run(input, output, said)
			if err != nil {
				return nil, err
			}
			samples[who] = append(samples[who], taken)
		}
	}
	var summaries []summary
	for i, c := range all {
		summaries = append(summaries, summed(c.name, samples[i]))
	}
	return summaries, nil
}

// temporary makes a file and has it filled.
func temporary(fill func(io.Writer) error) (*os.File, error) {
	file, err := os.CreateTemp("", "krm-bypass-bench-in-")
	if err != nil {
		return nil, err
	}
	return file, fill(file)
}

func discard(file *os.File) {
	_ = file.Close()
	_ = os.Remove(file.Name())
}

// summary is what the runs of a contestant come to.
type summary struct {
	name string
	runs int
	// median takes each of its parts by itself.
	median sample
	// least and most are the shortest and the longest time.
	least, most time.Duration
}

func summed(name string, samples []sample) summary {
	walls := sorted(samples, func(s sample) time.Duration { return s.wall })
	cpus := sorted(samples, func(s sample) time.Duration { return s.cpu })
	memories := sorted(samples, func(s sample) int64 { return s.memory })
	middle := len(samples) / 2
	return summary{name, len(samples), sample{walls[middle], cpus[middle], memories[middle]}, walls[0], walls[len(walls)-1]}
}

func sorted[T cmp.Ordered](samples []sample, of func(sample) T) []T {
	var values []T
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values
}
