package page

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browsers are the names under which Chromium is installed.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// A tab is one of a real browser without a window, on a page from disk.
type tab struct {
	context.Context
	t        *testing.T
	mu       sync.Mutex
	problems []string // what the console said, and requests that leave the page
}

// open opens a page in a browser, as wide as a screen is, in the colour scheme
// light or dark. Without a browser it skips the test, or fails it where
// ATTNBENCH_REQUIRE_BROWSER is 1.
func open(t *testing.T, html []byte, width int64, scheme string) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, html, 0o666); err != nil {
		t.Fatal(err)
	}
	parent, err := browser(t)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &tab{Context: ctx, t: t}
	address := (&url.URL{Scheme: "file", Path: path}).String()
	b.must(chromedp.Listen(ctx, func(event any) { b.listen(address, event) }))
	_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	b.must(err)
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	b.must(err)
	b.must(chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(address)))
	return b
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// browser returns the context of the one browser that all tests share.
func browser(t *testing.T) (context.Context, error) {
	t.Helper()
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return start(path)
		}
	}
	if os.Getenv("ATTNBENCH_REQUIRE_BROWSER") == "1" {
		t.Fatalf("no browser: want one of %s in PATH", strings.Join(browsers, ", "))
	}
	t.Skipf("no browser: none of %s is in PATH", strings.Join(browsers, ", "))
	return nil, nil
}

// stop ends the browser, if there is one, and waits for its end.
var stop = func() {}

var shared struct {
	sync.Once
	context.Context
	err error
}

func start(path string) (context.Context, error) {
	shared.Do(func() {
		allocator, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.Headless, chromedp.NoSandbox,
			chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.ExecPath(path))
		shared.Context, _ = chromedp.NewContext(allocator)
		stop = func() { chromedp.Cancel(shared.Context); cancel() }
		shared.err = chromedp.Do(shared.Context)
	})
	return shared.Context, shared.err
}

func TestMain(m *testing.M) {
	code := m.Run()
	stop()
	os.Exit(code)
}

// listen notes everything that a page in order does not do.
func (b *tab) listen(address string, event any) {
	problem := ""
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; u != address && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") {
			problem = "request for " + u
		}
	case *runtime.EventExceptionThrown:
		problem = "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		problem = fmt.Sprintf("console %s", e.Type)
	case *log.EventEntryAdded:
		problem = fmt.Sprintf("log %s: %s", e.Entry.Level, e.Entry.Text)
	}
	if problem != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	}
}

// eval returns the value of an expression of the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	out, err := chromedp.Run(b, chromedp.Evaluate[T](expression))
	b.must(err)
	return out
}

// inOrder wants the page to have done nothing that it should not.
func (b *tab) inOrder() {
	b.t.Helper()
	time.Sleep(100 * time.Millisecond) // what a script did last arrives as an event
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Error(p)
	}
}

// shoot saves a picture of the whole page below ATTNBENCH_SCREENSHOTS, if set.
func (b *tab) shoot(name string) {
	dir := os.Getenv("ATTNBENCH_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b, chromedp.FullScreenshot(100))
	b.must(err)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o666); err != nil {
		b.t.Fatal(err)
	}
}
