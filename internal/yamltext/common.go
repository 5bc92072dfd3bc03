package yamltext

// Nearly all keys and many values are a few letters, digits and the like. Those are found
// in one loop, without all that may stand in their place.

// commonKey gives the colon of such a key that begins here.
func (p *parser) commonKey() (colon int, ok bool) {
	i := p.pos
	for i < len(p.src) && classes[p.src[i]]&common != 0 {
		i++
	}
	return i, i > p.pos && i-p.pos <= maxKeyLength && p.src[p.pos] != '-' && p.at(i) == ':' && (p.at(i+1) == ' ' || p.at(i+1) == '\n')
}

// commonValue gives the end of such a value that begins here and does not go on in the
// next line, and leaves the position at the token there.
func (p *parser) commonValue() (end int, ok bool) {
	i := p.pos
	for i < len(p.src) && (classes[p.src[i]]&common != 0 || p.src[i] == ':' && i > p.pos && classes[p.at(i+1)]&common != 0) {
		i++
	}
	if !p.lineFeeds || i == p.pos || p.src[p.pos] == '-' || p.at(i) != '\n' {
		return 0, false
	}
	line := i + 1
	next := line
	for p.at(next) == ' ' {
		next++
	}
	if next-line > p.indent || next == len(p.src) || classes[p.src[next]]&breakStart != 0 || p.src[next] == '\t' || p.src[next] == '#' {
		return 0, false
	}
	p.pos, p.lineStart, p.keyAllowed = next, line, true
	return i, true
}
