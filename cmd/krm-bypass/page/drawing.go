package page

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// scene is a pod, and the way of a connection through it or past its sidecar. It is drawn
// from where the connection begins to where it ends.
type scene struct {
	// ID tells the drawings of a page apart.
	ID string
	// Verdict is what becomes of the connection, in the words of a report and as a class.
	Verdict, Class string
	// Pod names the pod, Caller what in it opens or takes the connection, as opens begins a
	// sentence, and At where the connection ends.
	Pod, Caller, opens, At string
	Inbound                bool
	// Mesh names the mesh, and Proxy what it leads traffic to.
	Mesh, Proxy string
	// OnNode says that this is one of the node, Bare that the pod has none.
	OnNode, Bare bool
	// Ours says that the pod has the rules of krm-bypass.
	Ours bool
	route
	// Steps say the same in words.
	Steps []string
}

// route is where a connection goes in a pod.
type route uint8

const (
	// through the sidecar, as the mesh's rules lead it.
	through route = iota
	// pastByOurs and pastByMesh: past it, by whose rules.
	pastByOurs
	pastByMesh
	// open: the mesh or something else decides between both.
	open
	// within the pod.
	within
	// straight: there is no sidecar.
	straight
)

// drawing is a scene with a place for everything.
type drawing struct {
	scene
	// Shape is wide or tall: the page shows one of the two.
	Shape         string
	Width, Height int
	Boxes         []drawnBox
	Texts         []drawnText
	Ways          []drawnWay
}

type drawnBox struct {
	Class      string
	X, Y, W, H int
}

type drawnText struct {
	Class string
	X, Y  int
	Text  string
}

// drawnWay is a line, and the head of its arrow.
type drawnWay struct{ Line, Head string }

// span is a part of an axis.
type span struct{ at, to int }

// layout is where things are along the way and across it.
type layout struct {
	shape         string
	width, height int
	// tall says that the way leads down, else to the right.
	tall bool
	// Along the way: the kernel and the two kinds of rules in it, the proxy, and the end of
	// the connection.
	kernel, ours, mesh, proxy, end span
	// begin and pod are for connections that begin in the pod, and for those that end there.
	begin, pod [2]span
	// Across it: all of the drawing, the boxes that both lanes meet, those that one meets,
	// and the kernel.
	all, both, one, inKernel span
	// low is the lane through the proxy, high the one past it; turns are where the way
	// leads over, in each kind of rules.
	low, high int
	turns     [2]int
	// letters fit into a line of an end, and into the pod's name.
	letters, name int
}

var layouts = []layout{
	{
		shape: "wide", width: 888, height: 260,
		begin: [2]span{{22, 152}, {22, 152}}, kernel: span{184, 552}, ours: span{196, 368}, mesh: span{384, 540}, proxy: span{580, 704}, end: span{742, 870},
		pod: [2]span{{8, 718}, {170, 880}},
		all: span{6, 254}, both: span{82, 220}, one: span{142, 220}, inKernel: span{46, 234},
		low: 182, high: 118, turns: [2]int{282, 528}, letters: 16, name: 80,
	},
	{
		shape: "tall", width: 320, height: 496, tall: true,
		begin: [2]span{{32, 96}, {4, 68}}, kernel: span{114, 298}, ours: span{138, 204}, mesh: span{222, 288}, proxy: span{320, 376}, end: span{410, 474},
		pod: [2]span{{4, 388}, {78, 490}},
		all: span{6, 314}, both: span{26, 294}, one: span{26, 222}, inKernel: span{16, 304},
		low: 46, high: 266, turns: [2]int{171, 255}, letters: 32, name: 40,
	},
}

// draw lays a scene out, in each shape.
func (s scene) draw() []drawing {
	all := make([]drawing, 0, len(layouts))
	for i := range layouts {
		all = append(all, layouts[i].draw(s))
	}
	return all
}

func (l *layout) draw(s scene) drawing {
	d := drawing{scene: s, Shape: l.shape, Width: l.width, Height: l.height}
	near, far, pod := l.begin[0], l.end, l.pod[0]
	if s.Inbound {
		near, far, pod = l.end, l.begin[1], l.pod[1]
	}
	l.box(&d, "pod", pod, l.all)
	l.title(&d, pod.at, l.all.at, cut(s.Pod, l.name))
	l.box(&d, "kernel", l.kernel, l.inKernel)
	hook := "nat OUTPUT"
	if s.Inbound {
		hook = "nat PREROUTING"
	}
	l.title(&d, l.kernel.at, l.inKernel.at, "kernel, "+hook)
	passes := s.route == through || s.route == open
	l.rules(&d, l.ours, l.both, s.Ours, s.route != within, "rules of krm-bypass", "asked first")
	l.rules(&d, l.mesh, l.one, !s.Bare, passes || s.route == pastByMesh, "rules of "+s.Mesh, map[bool]string{true: "asked then", false: "asked"}[s.Ours])
	sort := "proxy"
	if s.OnNode {
		sort += " node"
	}
	switch {
	case s.Bare:
		sort += " absent"
	case passes:
		sort += " passed"
	}
	l.box(&d, sort, l.proxy, l.one)
	l.label(&d, l.proxy, l.one, strings.TrimPrefix(s.Proxy, "the "), map[bool]string{true: "of the node", false: "of " + s.Mesh}[s.OnNode])
	if s.Bare {
		d.Texts[len(d.Texts)-1].Text = "not in this pod"
	}
	addresses := map[bool]string{true: s.At}
	ends := s.Inbound || s.route == within
	l.ending(&d, "near", near, s.Caller, addresses[ends])
	l.ending(&d, "far", far, "network", addresses[!ends])
	if s.route != through && s.route != within && s.route != straight && !l.tall {
		d.Texts = append(d.Texts, drawnText{"small", l.proxy.at, l.high - 9, "past " + s.Proxy})
	}
	d.Ways = l.ways(s)
	return d
}

// ways are the lines of a route, with where each turns to the other lane.
func (l *layout) ways(s scene) []drawnWay {
	from := l.begin[0].to
	if s.Inbound {
		from = l.begin[1].to
	}
	on := func(turn int) drawnWay {
		return l.way([2]int{from, l.low}, [2]int{turn, l.low}, [2]int{turn, l.high}, [2]int{l.end.at, l.high})
	}
	whole := l.way([2]int{from, l.low}, [2]int{l.end.at, l.low})
	switch s.route {
	case pastByOurs:
		return []drawnWay{on(l.turns[0])}
	case pastByMesh:
		return []drawnWay{on(l.turns[1])}
	case open:
		return []drawnWay{whole, on(l.turns[1])}
	case within:
		back := l.kernel.at + 6
		return []drawnWay{l.way([2]int{from, l.low - 14}, [2]int{back, l.low - 14}, [2]int{back, l.low + 14}, [2]int{from, l.low + 14})}
	}
	return []drawnWay{whole}
}

// way draws a line through points, each along the way and across it.
func (l *layout) way(points ...[2]int) drawnWay {
	var line strings.Builder
	for i, p := range points {
		x, y := l.turned(p[0], p[1])
		fmt.Fprintf(&line, "%c%d %d", "ML"[min(i, 1)], x, y)
	}
	last, before := points[len(points)-1], points[len(points)-2]
	back := 9
	if last[0] < before[0] {
		back = -back
	}
	tx, ty := l.turned(last[0], last[1])
	ax, ay := l.turned(last[0]-back, last[1]-5)
	bx, by := l.turned(last[0]-back, last[1]+5)
	return drawnWay{line.String(), fmt.Sprintf("M%d %dL%d %dL%d %dZ", tx, ty, ax, ay, bx, by)}
}

// turned gives a point by where it is along the way and across it.
func (l *layout) turned(along, across int) (x, y int) {
	if l.tall {
		return across, along
	}
	return along, across
}

func (l *layout) box(d *drawing, class string, along, across span) {
	x, y := l.turned(along.at, across.at)
	w, h := l.turned(along.to-along.at, across.to-across.at)
	d.Boxes = append(d.Boxes, drawnBox{class, x, y, w, h})
}

// title names what has boxes in it, beside the lane that perhaps runs there.
func (l *layout) title(d *drawing, along, across int, text string) {
	x, y := l.turned(along, across)
	if x += 10; l.tall {
		x = l.low + 12
	}
	d.Texts = append(d.Texts, drawnText{"title", x, y + 18, text})
}

func (l *layout) rules(d *drawing, along, across span, there, passed bool, name, when string) {
	class := "rules"
	switch {
	case !there:
		class, when = "rules absent", "not in this pod"
	case passed:
		class = "rules passed"
	}
	l.box(d, class, along, across)
	l.label(d, along, across, name, when)
}

// label writes at both edges of a box, between which the lanes run.
func (l *layout) label(d *drawing, along, across span, above, below string) {
	x, y := l.turned(along.at, across.at)
	_, bottom := l.turned(along.to, across.to)
	if x += 10; l.tall {
		x = l.low + 12
	}
	d.Texts = append(d.Texts, drawnText{"name", x, y + 18, above}, drawnText{"small", x, bottom - 9, below})
}

// ending draws an end of the connection.
func (l *layout) ending(d *drawing, class string, along span, name, address string) {
	across := l.both
	l.box(d, "end "+class, along, across)
	x, y := l.turned(along.at, across.at)
	d.Texts = append(d.Texts, drawnText{"name", x + 10, y + 20, name})
	for i, line := range lines(address, l.letters) {
		d.Texts = append(d.Texts, drawnText{"address", x + 10, y + 38 + 16*i, line})
	}
}

// lines breaks an address where a line is full.
func lines(text string, letters int) []string {
	var all []string
	for utf8.RuneCountInString(text) > letters {
		at := len(string([]rune(text)[:letters]))
		if colon := strings.LastIndexAny(text[:at], ":/]"); colon > 0 {
			at = colon
		}
		all, text = append(all, text[:at]), text[at:]
	}
	if text != "" {
		all = append(all, text)
	}
	return all
}

// cut shortens a name: all of it stands beside the drawing.
func cut(text string, letters int) string {
	runes := []rune(text)
	if len(runes) <= letters {
		return text
	}
	return string(runes[:letters-1]) + "…"
}
