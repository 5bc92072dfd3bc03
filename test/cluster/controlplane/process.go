package controlplane

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is a program that runs until it is killed.
type process struct {
	name    string
	log     string // the file that holds all it said
	command *exec.Cmd
	ended   chan struct{}
	err     error // why it ended; set before ended is closed
}

// start runs a program, whose log is put into the directory.
func start(directory, path string, args ...string) (*process, error) {
	name := filepath.Base(path)
	log, err := os.Create(filepath.Join(directory, name+".log"))
	if err != nil {
		return nil, err
	}
	p := &process{name: name, log: log.Name(), command: exec.Command(path, args...), ended: make(chan struct{})}
	p.command.Dir = directory
	p.command.Stdout, p.command.Stderr = log, log
	// It ends with us, however we end, and in a group of its own it does not
	// get the terminal's interrupt before we do.
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error)
	go func() {
		defer log.Close()
		// The kernel sends Pdeathsig when the thread that started the process
		// ends (prctl(2), PR_SET_PDEATHSIG), so this one has to wait for it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.command.Start()
		started <- err
		if err == nil {
			p.err = p.command.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

// await returns when ready does without an error, which is asked again and
// again. It gives up when the process ends or the time is over.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	for {
		last := ready(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("starting %s: it ended before it was ready (%w)%s", p.name, p.err, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("starting %s: it is not ready: %w (%w)%s", p.name, last, ctx.Err(), p.lastWords())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// kill ends the process and waits for its end. Nothing that it holds is worth
// more than that.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended already
	<-p.ended
}

// lastWords is the end of the log, where it says what went wrong.
func (p *process) lastWords() string {
	const most = 20
	text, err := os.ReadFile(p.log)
	if err != nil {
		return "; its log cannot be read: " + err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	return "; the end of its log:\n    " + strings.Join(lines, "\n    ")
}
