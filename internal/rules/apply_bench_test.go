package rules

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// BenchmarkApply gives the cost in the process of a first apply; start-up comes
// on top.
func BenchmarkApply(b *testing.B) {
	for _, count := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("%d ranges", count), func(b *testing.B) {
			settings := manyRanges(b, count)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				host := lab.NewHost(b, "pod")
				b.StartTimer()
				require.NoError(b, host.Do(0, func() error { return nftablesBackend{}.Apply(settings) }))
			}
		})
	}
}
