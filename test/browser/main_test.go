package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// The repository, seen from this package, where go test runs its tests.
const repository = "../.."

var (
	// program is krm-bypass, built from today's source.
	program string
	// chromium is the one browser of all tests.
	chromium context.Context
	// axeCore is the text of axe-core.
	axeCore string
)

func TestMain(m *testing.M) {
	status, err := runIn(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func runIn(m *testing.M) (status int, err error) {
	text, err := os.ReadFile(filepath.Join(repository, ".cache/browser/node_modules/axe-core/axe.min.js"))
	if err != nil {
		return 0, fmt.Errorf("missing: axe-core; hack/need-axe.sh fetches it: %w", err)
	}
	axeCore = string(text)
	folder, err := os.MkdirTemp("", "browser-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	program = filepath.Join(folder, "krm-bypass")
	if p := os.Getenv("PROGRAM"); p != "" {
		program = p
	}
	build := exec.Command("go", "build", "-o", filepath.Join(folder, "krm-bypass"), "./cmd/krm-bypass")
	build.Dir = repository
	if said, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building krm-bypass: %w\n%s", err, said)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.UserDataDir(filepath.Join(folder, "profile")),
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("font-render-hinting", "none"))
	if os.Getuid() == 0 { // Chromium's sandbox wants another user
		options = append(options, chromedp.NoSandbox)
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	defer end()
	// The driver complains of events that are newer than it.
	quiet := func(string, ...any) {}
	browser, end := chromedp.NewContext(allocator, chromedp.WithErrorf(quiet), chromedp.WithLogf(quiet))
	defer end()
	if err := chromedp.Do(browser); err != nil {
		return 0, fmt.Errorf("starting /usr/bin/chromium (Debian package chromium): %w", err)
	}
	chromium = browser
	return m.Run(), nil
}
