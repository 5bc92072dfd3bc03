package stored

import (
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

func valueOf(t *testing.T, text string) node.Value {
	t.Helper()
	document, err := node.Parse([]byte(text))
	require.NoError(t, err)
	return node.Of(document)
}

func TestGiven(t *testing.T) {
	const mount = "{name: kube-api-access-x7, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}"
	for _, test := range []struct {
		name       string
		inPod      bool
		stored, is string
	}{
		{name: "what the server fills in", stored: "{terminationMessagePath: /dev/termination-log, args: [a], terminationMessagePolicy: File}", is: "{args: [a]}"},
		{name: "another value there", stored: "{terminationMessagePath: /etc/x, terminationMessagePolicy: FallbackToLogsOnError}"},
		{name: "the same, but no string", stored: "{terminationMessagePolicy: [File]}"},
		{name: "deep within a list", stored: "{env: [{name: A, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: p}}}, {name: B}]}", is: "{env: [{name: A, valueFrom: {fieldRef: {fieldPath: p}}}, {name: B}]}"},
		{name: "another version there", stored: "{env: [{valueFrom: {fieldRef: {apiVersion: v2}}}]}"},
		{name: "the same key elsewhere", stored: "{env: [{terminationMessagePolicy: File, apiVersion: v1}], lifecycle: {terminationMessagePolicy: File}}"},
		{name: "pull policies and resources, which are always written", stored: "{imagePullPolicy: IfNotPresent, resources: {}}"},
		{name: "nulls and lists of nothing", stored: "{ports: [], command: null, securityContext: {procMount: ~, capabilities: {add: []}}}", is: "{securityContext: {capabilities: {}}}"},
		{name: "nulls in lists", stored: "{args: [~, []]}"},
		{name: "mappings of nothing, which it keeps", stored: "{lifecycle: {}, securityContext: {}}"},
		{name: "the token's mount", inPod: true, stored: "{volumeMounts: [" + mount + "]}", is: "{}"},
		{name: "the token's mount beside another", inPod: true, stored: "{volumeMounts: [{name: a, mountPath: /a}, " + mount + "]}", is: "{volumeMounts: [{name: a, mountPath: /a}]}"},
		{name: "the token's mount in a template", stored: "{volumeMounts: [" + mount + "]}"},
		{name: "another volume there", inPod: true, stored: "{volumeMounts: [{name: a, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}]}"},
		{name: "the token's elsewhere", inPod: true, stored: "{volumeMounts: [{name: kube-api-access-x7, mountPath: /, readOnly: true}]}"},
		{name: "more than its mount", inPod: true, stored: "{volumeMounts: [{name: kube-api-access-x7, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true, subPath: a}]}"},
		{name: "an alias", stored: "{args: &a [a], command: *a}"},
		{name: "no mapping", stored: "[~]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			stored := valueOf(t, test.stored)
			given := Given(stored, test.inPod)
			if test.is == "" {
				assert.Same(t, stored.Node(), given.Node(), "nothing goes")
				return
			}
			assert.Equal(t, valueOf(t, test.is).Digest(), given.Digest())
			assert.Equal(t, valueOf(t, test.stored).Digest(), stored.Digest(), "what was read is as it was")
		})
	}
}

func TestSameResources(t *testing.T) {
	for _, test := range []struct {
		name          string
		inPod         bool
		stored, given string
		differ        bool
	}{
		{name: "respelled", stored: "{limits: {cpu: 100m, memory: 1536Mi}}", given: `{limits: {memory: 1.5Gi, cpu: "0.1"}}`},
		{name: "numbers", stored: `{limits: {cpu: 1500m, memory: "33554432"}}`, given: "{limits: {cpu: 1.5, memory: 33554432}}"},
		{name: "exponents", stored: `{limits: {cpu: 2e3, memory: 5k}}`, given: "{limits: {cpu: 2000, memory: 0.5E4}}"},
		{name: "rounded up", stored: "{limits: {cpu: 1m}}", given: "{limits: {cpu: 100u}}"},
		{name: "nothing", stored: "{}", given: "{}"},
		{name: "a little more", stored: "{limits: {cpu: 101m}}", given: `{limits: {cpu: "0.1"}}`, differ: true},
		{name: "rounded up to more", stored: "{limits: {cpu: 1m}}", given: "{limits: {cpu: 1001u}}", differ: true},
		{name: "binary and decimal", stored: "{limits: {memory: 64M}}", given: "{limits: {memory: 64Mi}}", differ: true},
		{name: "a part more", stored: "{limits: {cpu: 1}, requests: {cpu: 1}}", given: "{limits: {cpu: 1}}", differ: true},
		{name: "a request for a limit, in a Pod", inPod: true, stored: "{limits: {cpu: 1}, requests: {cpu: 1}}", given: "{limits: {cpu: 1}}"},
		{name: "a request of its own, in a Pod", inPod: true, stored: "{limits: {cpu: 1}, requests: {cpu: 1}}", given: "{limits: {cpu: 1}, requests: {cpu: 500m}}", differ: true},
		{name: "claims", stored: "{limits: {cpu: 1}, claims: [{name: a}]}", given: "{limits: {cpu: 1}}", differ: true},
		{name: "another resource", stored: "{limits: {cpu: 1, example.com/gpu: 1}}", given: "{limits: {cpu: 1}}", differ: true},
		{name: "nothing there", stored: "{limits: {}}", given: "", differ: true},
		{name: "larger than anything", stored: "{limits: {cpu: 18446744073709551617}}", given: `{limits: {cpu: 1m}}`, differ: true},
		{name: "larger than anything by its unit", stored: "{limits: {memory: 16384E}}", given: "{limits: {memory: 0}}", differ: true},
		{name: "no quantity", stored: `{limits: {cpu: "."}}`, given: `{limits: {cpu: "."}}`, differ: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			stored, given := valueOf(t, test.stored), valueOf(t, test.given)
			assert.Equal(t, !test.differ, SameResources(stored, given, test.inPod))
			assert.Equal(t, !test.differ, SameResources(given, stored, test.inPod))
		})
	}
}

// FuzzThousandths holds the reading to fractions of any size.
func FuzzThousandths(f *testing.F) {
	for _, text := range []string{"0", "100m", "0.1", "1.5Gi", "1e3", ".5", "5.", "18446744073709551616", "1n", "00.001", "1E99", "1e-4", "e1", "1Ki2", "18014398509481984Ki"} {
		f.Add(text)
	}
	units := map[string]string{"n": "1e-9", "u": "1e-6", "m": "1e-3", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12", "P": "1e15", "E": "1e18"}
	for i, unit := range []string{"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"} {
		units[unit] = new(big.Int).Lsh(big.NewInt(1), uint(10*(i+1))).String()
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, ok := thousandths(text)
		if !ok {
			return
		}
		number, unit := text, "1"
		for suffix, is := range units {
			if before, has := strings.CutSuffix(text, suffix); has {
				number, unit = before, is
			}
		}
		value, read := new(big.Rat).SetString(number)
		require.True(t, read)
		factor, read := new(big.Rat).SetString(unit)
		require.True(t, read)
		value.Mul(value.Mul(value, factor), big.NewRat(1000, 1))
		up := new(big.Int).Sub(value.Denom(), big.NewInt(1))
		up.Div(up.Add(up, value.Num()), value.Denom())
		assert.Equal(t, up.String(), strconv.FormatUint(amount, 10))
	})
}
