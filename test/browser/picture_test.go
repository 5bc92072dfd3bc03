package browser

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/stretchr/testify/require"
)

var pictures = flag.String("pictures", "", "write pictures of the views to this folder")

// TestPictures writes the pictures of docs/page.md where -pictures says so; make
// pictures does. Fonts differ from machine to machine, and so nothing compares them.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		return // the other tests open what is shown here
	}
	folder, err := filepath.Abs(*pictures)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(folder, 0o755))
	site := reviewing(t)
	for _, p := range []struct {
		name, path, scheme string
		height             int64
		before             func(tb *tab)
	}{
		{name: "workloads", path: "/", height: 760},
		{name: "workloads-dark", path: "/", scheme: "dark", height: 760},
		{name: "workload", path: "/workload?of=" + checkout, height: 1000},
		{name: "connection", path: "/connection?of=Deployment/shop/checkout&at=192.0.2.7:443", height: 900},
		{name: "findings", path: "/findings", height: 420},
		{name: "rules", path: "/rules", height: 900},
		{name: "edit", path: "/rules", height: 1000, before: func(tb *tab) {
			tb.click("a.button", "Edit Deployment checkout")
			tb.fill("#f-excludeOutboundIPRanges", "192.0.2.0/24\n198.51.100.0/24")
			tb.untilText("198.51.100.0/24]")
		}},
	} {
		t.Run(p.name, func(t *testing.T) { // whose tab is closed: a browser opens six connections to a host
			tb := newTab(t, site.base)
			if p.scheme != "" {
				tb.scheme(p.scheme)
			}
			tb.open(p.path)
			if p.before != nil {
				p.before(tb)
			}
			text := tb.picture(1440, p.height)
			require.Less(t, len(text), 150<<10, p.name)
			require.NoError(t, os.WriteFile(filepath.Join(folder, p.name+".png"), text, 0o644))
		})
	}
}

// checkout is the key of a workload of examples/reviewing in a URL.
const checkout = "apps%2Fv1%2FDeployment%2Fshop%2Fcheckout%2F"

// picture takes a picture of the upper part of the page, as a PNG of few colours.
func (tb *tab) picture(width, height int64) []byte {
	tb.t.Helper()
	tb.resize(width, height)
	shot := command(tb, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
	tb.resize(1440, 900)
	small, err := fewColours(shot.Data)
	require.NoError(tb.t, err)
	return small
}

// fewColours gives a PNG of at most 256 colours: those that most of its pixels have.
func fewColours(text []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading the picture: %w", err)
	}
	many := map[color.RGBA]int{}
	bounds := full.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := full.At(x, y).RGBA()
			many[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(many), func(a, b color.RGBA) int { return many[b] - many[a] })
	var palette color.Palette
	for _, c := range colours[:min(256, len(colours))] {
		palette = append(palette, c)
	}
	reduced := image.NewPaletted(bounds, palette)
	draw.Draw(reduced, bounds, full, bounds.Min, draw.Src)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, reduced)
	return out.Bytes(), err
}
