package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// aTerminal opens a pseudo-terminal: what is written to its far end can be read
// from its near end.
func aTerminal(t *testing.T) (near, far *os.File) {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = near.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(near.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(near.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	far, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return near, far
}

func TestProgressIsSaidOnATerminalWhereItTakesLong(t *testing.T) {
	near, far := aTerminal(t)
	p := newProgress(far)
	p.say("reading %d files", 3)
	seen := make([]byte, 4096)
	n, err := near.Read(seen) // waits until there is something
	require.NoError(t, err)
	// More than once, if the reader is late.
	assert.True(t, strings.HasPrefix(string(seen[:n]), clearLine+"reading 3 files"), "%q", seen[:n])
	p.end()
	_, err = far.WriteString("the end")
	require.NoError(t, err)
	var all strings.Builder
	for !strings.HasSuffix(all.String(), "the end") {
		n, err = near.Read(seen)
		require.NoError(t, err)
		all.Write(seen[:n])
	}
	assert.Contains(t, all.String(), clearLine+"the end", "it is taken away again")
	require.NoError(t, far.Close())
}

func TestProgressIsNotSaidElsewhere(t *testing.T) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	p := newProgress(write)
	p.say("reading")
	time.Sleep(patience + refresh)
	p.end()
	require.NoError(t, write.Close())
	text, err := io.ReadAll(read)
	require.NoError(t, err)
	assert.Empty(t, text)
}
