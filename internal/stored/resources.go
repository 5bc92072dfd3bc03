package stored

import (
	"maps"
	"math/bits"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
)

// SameResources reports whether the server keeps the same of two containers' resources.
// It writes quantities anew, such as 100m for 0.1. In a Pod it makes a request of a limit
// without one (kubernetes/kubernetes pkg/apis/core/v1/defaults.go, SetDefaults_Pod).
func SameResources(one, other node.Value, inPod bool) bool {
	a, known := amounts(one, inPod)
	b, knownToo := amounts(other, inPod)
	return known && knownToo && maps.Equal(a, b)
}

// amounts gives what resources ask for, by the part and the name; false where they hold
// anything else.
func amounts(resources node.Value, inPod bool) (map[[2]string]uint64, bool) {
	all := map[[2]string]uint64{}
	for part := range resources.Entries() {
		if part.Key != "limits" && part.Key != "requests" || !part.Value.IsMapping() {
			return nil, false
		}
		for resource := range part.Value.Entries() {
			amount, ok := thousandths(resource.Value.Text())
			if !ok {
				return nil, false
			}
			all[[2]string{part.Key, resource.Key}] = amount
		}
	}
	if !inPod {
		return all, resources.IsMapping()
	}
	for of, amount := range maps.Clone(all) {
		request := [2]string{"requests", of[1]}
		if _, stands := all[request]; !stands {
			all[request] = amount
		}
	}
	return all, resources.IsMapping()
}

// quantity is one as k8s.io/apimachinery reads it (pkg/api/resource/quantity.go), without
// a sign: nobody asks for less than nothing.
var quantity = pattern.Of(`^([0-9]*)\.?([0-9]*)(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?[0-9]{1,2}))?$`)

// thousandths gives a quantity in thousandths, to which the server rounds up (pkg/apis/
// core/v1/defaults.go of kubernetes/kubernetes, SetDefaults_ResourceList). It is false for
// what is none, and for what does not fit.
func thousandths(text string) (uint64, bool) {
	parts := quantity.Regexp().FindStringSubmatch(text)
	if len(parts) < 3 || parts[1]+parts[2] == "" {
		return 0, false
	}
	scale := 3 - len(parts[2])
	switch {
	case parts[4] != "":
		scale += 3 * (strings.Index("num kMGTPE", parts[4]) - 3)
	case parts[5] != "":
		exponent, _ := strconv.Atoi(parts[5])
		scale += exponent
	}
	amount, fits := uint64(0), true
	times := func(factor uint64) {
		over, product := bits.Mul64(amount, factor)
		amount, fits = product, fits && over == 0
	}
	for _, digit := range parts[1] + parts[2] {
		times(10)
		amount += uint64(digit - '0')
		fits = fits && amount >= uint64(digit-'0')
	}
	if parts[3] != "" {
		for range strings.Index("KMGTPE", parts[3][:1]) + 1 {
			times(1024)
		}
	}
	for ; scale > 0; scale-- {
		times(10)
	}
	rest := false
	for ; scale < 0 && amount > 0; scale++ {
		rest = rest || amount%10 > 0
		amount /= 10
	}
	if rest {
		amount++
	}
	return amount, fits
}
