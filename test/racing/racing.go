// Package racing lets a test run itself again as other processes, which do a thing at the
// same moment.
package racing

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Key is the variable by which a test's TestMain knows that it is such a process.
const Key = "RACE"

// Racer is a process that takes part: it reads what it is asked, and answers, by lines.
type Racer struct {
	Asks io.WriteCloser
	Says *bufio.Scanner
}

// New starts the test program again with a value of Key. It ends with the test.
func New(t *testing.T, value string) Racer {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), Key+"="+value)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	require.NoError(t, err)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, command.Wait())
	})
	return Racer{in, bufio.NewScanner(out)}
}

// WaitUntil returns at a time in nanoseconds since 1970, as nearly as can be: a sleep takes
// too long.
func WaitUntil(at int64) {
	for time.Now().UnixNano() < at {
		runtime.Gosched()
	}
}
