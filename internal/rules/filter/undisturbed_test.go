package filter

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestWorkIsTriedUntilNobodyDisturbsIt(t *testing.T) {
	disturbance, own := errors.New("disturbance"), errors.New("of its own")
	read := Differences{"missing chain c"}.Err()
	for _, test := range []struct {
		name   string
		errors []error // of one attempt after the other
		tries  int
		err    error
	}{
		{"at once", []error{nil}, 1, nil},
		{"a reason of its own", []error{own}, 1, own},
		{"disturbed", []error{disturbance, fmt.Errorf("loading: %w", disturbance), nil}, 3, nil},
		{"read back otherwise", []error{read, nil}, 2, nil},
		{"disturbed, then a reason of its own", []error{disturbance, own}, 2, own},
	} {
		tries := 0
		err := Undisturbed(time.Microsecond, func(err error) bool { return errors.Is(err, disturbance) }, func() error {
			tries++
			return test.errors[tries-1]
		})
		assert.Equal(t, test.err, err, test.name)
		assert.Equal(t, test.tries, tries, test.name)
	}
}

func TestWorkThatIsAlwaysDisturbedEnds(t *testing.T) {
	tries := 0
	err := Undisturbed(time.Microsecond, func(error) bool { return false }, func() error {
		tries++
		return Differences{"missing chain c"}.Err()
	})
	assert.EqualError(t, err, "reading the rules back: missing chain c")
	assert.Equal(t, attempts, tries)
}
