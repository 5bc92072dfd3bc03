package filter

import (
	"errors"
	"math/rand/v2"
	"time"
)

// attempts limits how often work is tried.
const attempts = 20

// Undisturbed tries work until it succeeds, or until it fails for a reason of
// its own. Somebody else who changes rules at the same time is no such reason:
// disturbed recognises the errors that this leads to, and the kernel may hold
// something else when the rules are read back.
//
// The pauses get longer, and their length is random so that two programs that
// disturb each other fall out of step.
func Undisturbed(pause time.Duration, disturbed func(error) bool, work func() error) error {
	var err error
	for attempt := range attempts {
		if err = work(); err == nil || !disturbed(err) && !errors.As(err, new(*differenceError)) {
			break
		}
		time.Sleep(time.Duration(attempt+1) * (pause + rand.N(2*pause)))
	}
	return err
}
