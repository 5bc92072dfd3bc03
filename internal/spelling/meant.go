package spelling

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Meant gives the known words that somebody is likely to mean by another word: the
// one that differs only in case and in dashes; else those that have all of its parts,
// as excludeInboundPorts has those of excludeInbound; else the closest. It gives none
// if the word resembles none.
func Meant(word string, known []string) []string {
	var same, whole []string
	for _, k := range known {
		switch {
		case Folded(k) == Folded(word):
			same = append(same, k)
		case holds(k, word):
			whole = append(whole, k)
		}
	}
	switch {
	case len(same) > 0:
		return same[:1]
	case len(whole) > 0 && len(whole) <= mostMeant:
		return whole
	}
	var near, plain []string
	for _, k := range known {
		if !opposed(word, k) {
			near, plain = append(near, k), append(plain, Folded(k))
		}
	}
	if i := Nearest(Folded(word), plain, min(mostWrong, 2*len(word)/lettersPerTwo)); i >= 0 {
		return near[i : i+1]
	}
	return nil
}

const (
	// mostMeant is how many words are worth asking about.
	mostMeant = 3
	// mostWrong is how many letters a typing error changes at most, and two of them
	// take so many letters: with two in four, lint would be pin.
	mostWrong, lettersPerTwo = 3, 5
	// shortestPart is how many letters of a part tell which is meant.
	shortestPart = 3
)

// DidYouMean asks whether one of the known words is meant; "" if the word resembles
// none.
func DidYouMean(word string, known []string) string {
	return Asking(word, Meant(word, known))
}

// Asking asks whether one of the words is meant; "" for none.
func Asking(word string, meant []string) string {
	if len(meant) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(meant, " or ") + "?" + LookAlike(word)
}

// Refusal says that a value is none of those that are valid, and which are.
func Refusal(value string, valid []string) string {
	remedy := DidYouMean(value, valid)
	switch {
	case remedy != "":
	case len(valid) == 1:
		remedy = "use " + valid[0]
	default:
		remedy = "use one of " + strings.Join(valid, ", ")
	}
	return fmt.Sprintf("%q is not valid: %s", value, remedy)
}

// opposites are parts of words of which one is never a slip for the other.
var opposites = [][2]string{{"inbound", "outbound"}, {"include", "exclude"}, {"before", "after"}}

func opposed(a, b string) bool {
	a, b = Folded(a), Folded(b)
	return slices.ContainsFunc(opposites, func(pair [2]string) bool {
		return strings.Contains(a, pair[0]) && strings.Contains(b, pair[1]) || strings.Contains(a, pair[1]) && strings.Contains(b, pair[0])
	})
}

// holds reports whether a known word has every part of another word, or the beginning
// of it.
func holds(known, word string) bool {
	has := parts(known)
	parts := parts(word)
	return len(parts) > 0 && !slices.ContainsFunc(parts, func(part string) bool {
		return !slices.ContainsFunc(has, func(h string) bool {
			return h == part || len(part) >= shortestPart && strings.HasPrefix(h, part)
		})
	})
}

// parts cuts a word at its capitals and at what is no letter. A plural is its
// singular.
func parts(word string) []string {
	var all []string
	begin := true
	for i, r := range word {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			begin = true
			continue
		case begin || unicode.IsUpper(r) && !unicode.IsUpper(rune(word[max(i-1, 0)])):
			all = append(all, "")
		}
		begin = false
		all[len(all)-1] += string(unicode.ToLower(r))
	}
	for i, part := range all {
		if len(part) > shortestPart {
			all[i] = strings.TrimSuffix(part, "s")
		}
	}
	return all
}

// Folded leaves of a word what is not a matter of style: excludeInboundPorts and
// exclude-inbound-ports are the same.
func Folded(word string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, word)
}
