package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// contestant is a program that reads a ResourceList on stdin and writes one to stdout.
type contestant struct {
	path string
	// check reports whether what the program wrote is what the measurement is about:
	// a program that fails early is fast.
	check func(input, output *os.File, deployments int) error
}

// sample is what one run cost.
type sample struct {
	wall   time.Duration
	memory int64 // peak resident set, bytes
}

// run lets the contestant work once, from file to file.
//
// The peak that Linux reports for a child starts with that of its parent, whose
// memory the child shares until it executes the program (fs/exec.c, exec_mmap).
// So this process has to stay small, or it would measure itself: no list is ever
// held in memory here.
func (c contestant) run(input, output *os.File, deployments int) (sample, error) {
	if err := rewind(input); err != nil {
		return sample{}, err
	}
	if err := errors.Join(output.Truncate(0), rewind(output)); err != nil {
		return sample{}, err
	}
	command := exec.Command(c.path)
	command.Stdin, command.Stdout, command.Stderr = input, output, os.Stderr

	began := time.Now()
	err := command.Run()
	wall := time.Since(began)
	if err != nil {
		return sample{}, fmt.Errorf("running %s on %d Deployments: %w", c.path, deployments, err)
	}
	if err := errors.Join(rewind(input), rewind(output)); err != nil {
		return sample{}, err
	}
	if err := c.check(input, output, deployments); err != nil {
		return sample{}, fmt.Errorf("checking what %s made of %d Deployments: %w", c.path, deployments, err)
	}
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	return sample{wall: wall, memory: usage.Maxrss << 10}, nil // Maxrss is in KiB: getrusage(2)
}

func rewind(file *os.File) error {
	_, err := file.Seek(0, io.SeekStart)
	return err
}

// isTheSame is the peer's check: the list is as kyaml writes it, to the byte.
func isTheSame(input, output *os.File, _ int) error {
	a, b := bufio.NewReader(input), bufio.NewReader(output)
	for offset := 0; ; offset++ {
		x, errA := a.ReadByte()
		y, errB := b.ReadByte()
		switch {
		case errA == io.EOF && errB == io.EOF:
			return nil
		case errors.Join(errA, errB) != nil || x != y:
			return fmt.Errorf("the output differs from the input at byte %d", offset)
		}
	}
}

// hasInitContainers is the function's check: every Deployment was changed.
func hasInitContainers(_, output *os.File, deployments int) error {
	name := []byte("name: krm-bypass-init")
	found := 0
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if bytes.HasSuffix(lines.Bytes(), name) {
			found++
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if found != deployments {
		return fmt.Errorf("%d Deployments have the init container", found)
	}
	return nil
}

// alternate runs both on the same list, in turns that begin with the one and the
// other, so that what the machine does beside falls on both.
func alternate(ours, peer contestant, deployments, rounds int) (a, b sample, err error) {
	input, err := os.CreateTemp("", "krm-bypass-bench-in-")
	if err != nil {
		return a, b, err
	}
	defer discard(input)
	output, err := os.CreateTemp("", "krm-bypass-bench-out-")
	if err != nil {
		return a, b, err
	}
	defer discard(output)
	if err := writeList(input, deployments); err != nil {
		return a, b, fmt.Errorf("writing the list: %w", err)
	}

	both := [2]contestant{ours, peer}
	var samples [2][]sample
	for round := range rounds {
		for turn := range both {
			who := (round + turn) % len(both)
			taken, err := both[who].run(input, output, deployments)
			if err != nil {
				return a, b, err
			}
			samples[who] = append(samples[who], taken)
		}
	}
	return median(samples[0]), median(samples[1]), nil
}

func discard(file *os.File) {
	_ = file.Close()
	_ = os.Remove(file.Name())
}

// median takes wall time and memory each by itself, of an odd number of samples.
func median(samples []sample) sample {
	var walls []time.Duration
	var memories []int64
	for _, s := range samples {
		walls = append(walls, s.wall)
		memories = append(memories, s.memory)
	}
	slices.Sort(walls)
	slices.Sort(memories)
	return sample{wall: walls[len(walls)/2], memory: memories[len(memories)/2]}
}
