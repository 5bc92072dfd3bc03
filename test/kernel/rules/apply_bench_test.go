package rules_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/rules/nft"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/samples"
)

// BenchmarkApply gives the cost of a first apply within the process, without its
// start-up.
func BenchmarkApply(b *testing.B) {
	for _, count := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("%d ranges", count), func(b *testing.B) {
			settings := samples.Ranges(b, count)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				host := lab.NewHost(b, "pod")
				b.StartTimer()
				require.NoError(b, host.Do(0, func() error { return nft.Compile(settings, filter.Form{}).Apply() }))
			}
		})
	}
}
