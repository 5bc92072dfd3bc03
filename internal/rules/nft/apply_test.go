package nft

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

func TestRefusalsAreExplained(t *testing.T) {
	for number, words := range map[unix.Errno]string{
		unix.EPERM:           "NET_ADMIN",
		unix.EOPNOTSUPP:      "no nf_tables",
		unix.EPROTONOSUPPORT: "no nf_tables",
	} {
		err := explained(fmt.Errorf("loading the ruleset: %w", number))
		assert.ErrorContains(t, err, words)
		assert.ErrorIs(t, err, number)
		assert.Equal(t, number != unix.EPERM, errors.Is(err, errors.ErrUnsupported), "%v", number)
	}
	other := errors.New("other")
	assert.Equal(t, other, explained(other))
}
