package mutants

// A mutant puts one text of a file in the place of another.
type mutant struct{ file, old, now, what string }

const (
	scalar   = "internal/yamltext/scalar.go"
	block    = "internal/yamltext/block.go"
	flow     = "internal/yamltext/flow.go"
	decode   = "internal/yamltext/decode.go"
	property = "internal/yamltext/property.go"
	fragment = "internal/yamltext/fragment.go"
	cuts     = "internal/edit/cuts.go"
	inBlock  = "internal/edit/block.go"
	inFlow   = "internal/edit/flow.go"
	handles  = "internal/edit/handle.go"
	put      = "internal/edit/value.go"
	render   = "internal/edit/render.go"
	quote    = "internal/edit/quote.go"
	reading  = "internal/edit/read.go"
)

var mutants = []mutant{
	{scalar, "		end = p.lineEnd(p.pos)\n		p.pos = end\n", "		p.pos = p.lineEnd(p.pos)\n", "a block scalar ends with its header"},
	{scalar, "	for p.at(p.pos) != '#' && !(", "	for !(", "a comment is a part of the value"},
	{scalar, "			end = i\n			crossed", "			end = i - 1\n			crossed", "a plain scalar ends a byte early"},
	{block, "	p.fill(n, h, Mapping, Block, Span{start, end}, column)", "	p.fill(n, h, Mapping, Block, Span{start, end}, column+1)", "an entry is written a column too far in"},
	{cuts, "		at = c.End\n", "		at = c.Start\n", "what is replaced stays"},

	// The scanner.
	{scalar, "		n.Span = Span{start, p.pos}\n	case '*'", "		n.Span = Span{start + 1, p.pos}\n	case '*'", "a scalar in quotes begins a byte late"},
	{scalar, "	for p.pos < len(p.src) && p.column() == indent {\n", "	for p.pos < len(p.src) && p.column() >= indent && p.at(p.pos) != '#' {\n", "a line of text that looks like a comment ends a block scalar"},
	{scalar, "			if blankOrEndAt(p.src, i+1) {\n				return i\n", "			if blankOrEndAt(p.src, i+1) || p.flow > 0 {\n				return i\n", "any colon ends a plain scalar in flow style"},
	{block, "	p.fill(n, h, Sequence, Block, Span{start, end}, column)", "	p.fill(n, h, Sequence, Block, Span{start, end}, column+1)", "an item is written a column too far in"},
	{block, "		end = max(item.Full().End, mark+1)\n", "		end = mark + 1\n", "a list ends with its last dash"},
	{block, "	return key, value, max(value.Full().End, mark+1, keySpan.End), nil\n", "	return key, value, max(mark+1, keySpan.End), nil\n", "a mapping ends with its last colon"},
	{block, "		item.Indicator = mark\n", "		item.Indicator = mark + 1\n", "a dash stands a byte late"},
	{block, "	value.Indicator = mark\n", "	value.Indicator = mark - 1\n", "a colon stands a byte early"},
	{block, "		return p.blockSequence(n, h, true)\n", "		return p.blockSequence(n, head{}, true)\n", "a list loses its anchor"},
	{flow, "	p.fill(n, head{}, kind, Flow, Span{start, p.pos}, column)", "	p.fill(n, head{}, kind, Flow, Span{start, p.pos - 1}, column)", "a flow collection ends before its bracket"},
	{flow, "			last.Comma = p.pos\n", "			last.Comma = p.pos - 1\n", "a comma stands a byte early"},
	{flow, "		p.fill(value, head{}, Scalar, Plain, Span{mark + 1, mark + 1}, mark+1-p.lineStart)", "		p.fill(value, head{}, Scalar, Plain, Span{mark, mark}, mark-p.lineStart)", "nothing stands before the colon"},
	{decode, "			value = append(value, '\\'')\n			i += 2\n", "			value = append(value, '\\'')\n			i++\n", "two quotes stand for two"},
	{decode, "		return \"\\n\"\n", "		return \"n\"\n", "an escape stands for its letter"},
	{fragment, "NextLine(t.Text, max(item.Full().End, item.Indicator+1))", "NextLine(t.Text, max(LineStart(t.Text, item.Full().End)-1, item.Indicator+1))", "an item's text ends a line early"},

	// The splicer: nodes that are read, cuts, and what is written.
	{reading, "			node.Style, node.Tag = yaml.DoubleQuotedStyle, \"!!str\"\n", "			node.Style = yaml.DoubleQuotedStyle\n			node.Tag = (&yaml.Node{Kind: yaml.ScalarNode, Value: node.Value}).ShortTag()\n", "what stands in quotes is a number"},
	{cuts, "cmp.Compare(b.depth, a.depth)", "cmp.Compare(a.depth, b.depth)", "the outer collection ends before the inner"},
	{cuts, "	w.cut(next, next, text+\"\\n\")\n", "	w.cut(next, next, text)\n", "a new line has no line break"},
	{cuts, "	next := yamltext.NextLine(w.src, offset)\n	w.cut(next", "	next := w.lineStart(offset)\n	w.cut(next", "a new line comes above the last"},
	{cuts, "			s.gone = append(s.gone, e.was)\n", "			s.gone = append(s.gone, max(0, e.was-h.width()))\n", "the entry before the one that goes is taken"},
	{inBlock, "func indentation(h *handle) string { return strings.Repeat(\" \", h.text.Column) }", "func indentation(h *handle) string { return strings.Repeat(\" \", h.text.Column+1) }", "an edit stands at the wrong indentation"},
	{inBlock, "		w.cut(w.lineStart(run.Start), next, \"\")\n", "		w.cut(w.lineStart(run.Start), yamltext.NextLine(w.src, next), \"\")\n", "the line behind what goes is taken too"},
	{inBlock, "			runs[n].End = end\n", "			_ = end\n", "the second of two neighbours stays"},
	{inBlock, "	brackets := \"{}\"\n	if h.text.Kind == yamltext.Sequence {\n", "	brackets := \"{}\"\n	if h.text.Kind == yamltext.Mapping {\n", "an empty mapping is written as a list"},
	{inFlow, "			w.cut(start, start, text+style.comma())\n", "			w.cut(start, start, text)\n", "an item in flow style has no comma behind it"},
	{inFlow, "		w.cut(end, end, gap+style.comma()+text)\n", "		w.cut(end-1, end-1, gap+style.comma()+text)\n", "an entry in flow style is written a byte early"},
	{inFlow, "		after := last.Comma + 1\n", "		after := last.Comma\n", "the comma of what goes stays"},
	{handles, "		h.entries = slices.Insert(h.entries, h.live(index), entry", "		h.entries = slices.Insert(h.entries, max(0, h.live(index)-1), entry", "what is new comes an entry early"},
	{put, "	case node.Written() && node.Style != yamltext.Block:\n		w.cut(full.Start, full.End, alone(value))\n", "	case node.Written() && node.Style != yamltext.Block:\n		w.cut(full.Start, full.End-1, alone(value))\n", "the last byte of what is replaced stays"},
	{put, "		w.cut(node.Indicator+1, node.End, w.blockValue(h, value))\n", "		w.cut(node.Indicator+1, w.lineStart(node.End), w.blockValue(h, value))\n", "the last line of what is replaced stays"},
	{put, "	if !w.holds(h, source, end) {\n", "	if false {\n", "what goes back is never looked at"},
	{render, "	b.WriteString(\"-\" + strings.Repeat(\" \", s.dash-1))\n", "	b.WriteString(\"-\" + strings.Repeat(\" \", s.dash))\n", "what an item holds begins a column late"},
	{render, "	b.WriteString(s.scalar(key) + s.colon())\n", "	b.WriteString(s.scalar(key) + \":\")\n", "no blank stands behind a colon in flow style"},
	{quote, "	if text == \"\" || len(text) <= len(\"false\") && reserved(strings.ToLower(text)) {\n", "	if text == \"\" {\n", "a word that means something is written plain"},
	{quote, "strings.ReplaceAll(text, \"'\", \"''\")", "text", "a quote within quotes stands once"},
	{quote, "		case r == '\"' || r == '\\\\':\n			b.WriteByte('\\\\')\n", "		case r == '\"' || r == '\\\\':\n", "nothing is escaped"},
}
