package spelling_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"ports", "ports", 0},
		{"port", "ports", 1},
		{"exlude", "exclude", 1},
		{"inbound", "outbound", 3},
		{"kitten", "sitting", 3},
		{"sepc", "spec", 1},
		{"ab", "ba", 1},
		{"abc", "cab", 2},
	}
	for _, test := range tests {
		assert.Equal(t, test.want, spelling.Distance(test.a, test.b), "%s to %s", test.a, test.b)
		assert.Equal(t, test.want, spelling.Distance(test.b, test.a), "%s to %s", test.b, test.a)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"excludeInboundPorts", "includeInboundPorts", "excludeOutboundPorts"}
	tests := []struct {
		word string
		most int
		want int
	}{
		{"excludeOutbondPorts", 2, 2},
		{"excludeInboundPort", 2, 0},
		{"xcludeInboundPorts", 2, 0},
		{"excludeUDPPorts", 2, -1},
		{"excludeUboundPorts", 0, -1},
		{"", 2, -1},
		{"еxсludеОutboundРоrts", 0, 2}, // Cyrillic: е, с, О, Р, о
		{"ｅｘｃｌｕｄｅInboundPorts", 0, 0},
		{"exclude\u200bInboundPorts", 0, 0},
	}
	for _, test := range tests {
		assert.Equal(t, test.want, spelling.Nearest(test.word, known, test.most), "%q within %d", test.word, test.most)
	}
}

func TestLookAlike(t *testing.T) {
	for word, want := range map[string]string{
		"excludeInboundPorts":              "",
		"größe":                            "", // it looks like itself
		"excludeInboundPоrts":              ` ("о" in it is U+043E, no plain letter)`,
		"exclude\u200bInboundPorts":        ` ("\u200b" in it is U+200B, no plain letter)`,
		"ｅxcludeInboundPorts":              ` ("ｅ" in it is U+FF45, no plain letter)`,
		"exclude\u00a0InboundPorts":        "",
		"traffic.sidecar.istio.iо/exclude": ` ("о" in it is U+043E, no plain letter)`,
	} {
		assert.Equal(t, want, spelling.LookAlike(word), "%q", word)
	}
}

// What Nearest leaves out unseen by its length must be too far by its distance.
func TestNearestIsNearest(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 0, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		w, candidates, most := word.Draw(t, "word"), rapid.SliceOf(word).Draw(t, "candidates"), rapid.IntRange(0, 4).Draw(t, "most")
		best, least := -1, most+1
		for i, c := range candidates {
			if d := spelling.Distance(w, c); d < least {
				best, least = i, d
			}
		}
		assert.Equal(t, best, spelling.Nearest(w, candidates, most))
	})
}
