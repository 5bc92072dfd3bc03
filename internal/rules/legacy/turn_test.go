package legacy

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTurnsAreTakenOneAtATime(t *testing.T) {
	const name = "@krm-bypass.dev/test-turns"
	var inside, turns atomic.Int32
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			assert.NoError(t, taking(name, time.Minute, func() error {
				assert.EqualValues(t, 1, inside.Add(1))
				time.Sleep(time.Millisecond)
				inside.Add(-1)
				turns.Add(1)
				return nil
			}))
		})
	}
	work.Wait()
	assert.EqualValues(t, 8, turns.Load())
}

func TestATurnThatNeverComes(t *testing.T) {
	const name = "@krm-bypass.dev/test-patience"
	refused := errors.New("refused")
	err := taking(name, time.Minute, func() error {
		assert.ErrorContains(t, taking(name, 20*time.Millisecond, func() error { return nil }), "another program has held the address")
		return refused
	})
	assert.ErrorIs(t, err, refused, "the work's own error")
}
