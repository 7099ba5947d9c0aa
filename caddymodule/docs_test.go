package caddymodule

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// referencePage is where everything that a user may write, read or call is said.
const referencePage = "../docs/reference.md"

// pages are the repository's pages for users.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"../README.md"}
	for _, pattern := range []string{"../docs/*.md", "../examples/*.md", "../examples/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

func readPage(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var fence = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")

// fences returns a page's blocks of a kind, without the indent of a list.
func fences(t *testing.T, page, kind string) (blocks []string) {
	t.Helper()
	for _, m := range fence.FindAllStringSubmatch(readPage(t, page), -1) {
		if m[1] == kind {
			blocks = append(blocks, strings.ReplaceAll("\n"+m[2], "\n   ", "\n")[1:])
		}
	}
	return blocks
}

func TestThePagesCaddyfilesAreRightAndFormatted(t *testing.T) {
	for _, page := range pages(t) {
		t.Run(filepath.Base(page), func(t *testing.T) {
			blocks := fences(t, page, "caddyfile")
			if len(blocks) == 0 && page == "../README.md" {
				t.Fatal("there are none")
			}
			for _, text := range blocks {
				mustAdapt(t, text)
				if !bytes.Equal([]byte(text), caddyfile.Format([]byte(text))) {
					t.Errorf("not as `caddy fmt` writes it:\n%s", text)
				}
			}
		})
	}
}

var (
	pageLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pageHeading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	// notInAnchors is what a heading's anchor lacks of its text.
	notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// pageAnchors are the places of a page that a link may name.
func pageAnchors(text string) map[string]bool {
	all := map[string]bool{"": true}
	for _, m := range pageHeading.FindAllStringSubmatch(text, -1) {
		all[strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return all
}

func TestThePagesLinksLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range pageLink.FindAllStringSubmatch(fence.ReplaceAllString(readPage(t, page), ""), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(m[1], "://") {
				continue
			}
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			} else if anchor != "" && !pageAnchors(readPage(t, target))[anchor] {
				t.Errorf("%s links to %s: there is no such heading", page, m[1])
			}
		}
	}
}

// pageSection returns what the reference says below a heading of the second level, up to the next one.
func pageSection(t *testing.T, title string) string {
	t.Helper()
	_, after, found := strings.Cut(readPage(t, referencePage), "\n## "+title+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", referencePage, title)
	}
	text, _, _ := strings.Cut(after, "\n## ")
	return text
}

var pageRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|(.*)\\|$")

// quoted is what stands between backquotes.
var quoted = regexp.MustCompile("`([^`]+)`")

// pageTable returns the rows of a section that begin with something in code: what that is, and what follows it.
func pageTable(t *testing.T, title string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for _, m := range pageRow.FindAllStringSubmatch(pageSection(t, title), -1) {
		rows[m[1]] = strings.TrimSpace(m[2])
	}
	return rows
}
