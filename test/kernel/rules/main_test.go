package rules_test

import (
	"testing"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }
