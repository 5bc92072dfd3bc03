package yamltext

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Readable returns the text as Standalone does, for yaml/v3 to read. Two escapes
// that JSON has are unknown to it, a slash and a character in two halves
// (yaml/v3 scannerc.go, yaml_parser_scan_flow_scalar): where the text is JSON
// they are written out. Its lines stay as they are, and so do NEL, LS and PS in a
// string, which are line breaks to YAML and characters to JSON. The version 1.2 of a directive
// becomes 1.1, the only one that yaml/v3 takes (parserc.go, yaml_parser_process_directives):
// it reads both alike, as our scanner does.
func (f Fragment) Readable() []byte {
	text := versioned(f.Standalone())
	if !bytes.Contains(text, []byte(`\/`)) && !bytes.Contains(text, []byte(`\ud`)) && !bytes.Contains(text, []byte(`\uD`)) {
		return text
	}
	// In JSON a backslash stands in strings alone.
	if !json.Valid(text) {
		return text
	}
	readable := make([]byte, 0, len(text))
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(readable, text...)
		}
		readable = append(readable, text[:i]...)
		text = text[i:]
		n := 2
		switch {
		case text[1] == '/':
			readable = append(readable, '/')
		case text[1] == 'u' && utf16.IsSurrogate(hexRune(text)):
			n = 6
			r := utf16.DecodeRune(hexRune(text), hexRune(text[n:]))
			if r != utf8.RuneError {
				n = 12
			}
			// A half by itself is what encoding/json makes of it too.
			readable = utf8.AppendRune(readable, r)
		default:
			readable = append(readable, text[:n]...)
		}
		text = text[n:]
	}
}

// versioned writes the version of directives as yaml/v3 knows it.
func versioned(text []byte) []byte {
	for at := len(text) - len(bytes.TrimPrefix(text, []byte("\ufeff"))); at < len(text); at = NextLine(text, at) {
		line := text[at:LineEnd(text, at)]
		words := bytes.Fields(line)
		switch {
		case len(words) > 1 && string(line[:min(len(line), 5)]) == "%YAML" && string(words[1]) == "1.2":
			minor := at + bytes.Index(line, words[1]) + len("1.")
			text = bytes.Clone(text)
			text[minor] = '1'
		case len(words) > 0 && line[0] != '%' && words[0][0] != '#':
			return text
		}
	}
	return text
}

// hexRune reads an escape such as \u00e9 at the beginning of a text, and gives
// the replacement character where there is none.
func hexRune(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return utf8.RuneError
	}
	code, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(code)
}
