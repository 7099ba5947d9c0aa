package tickets

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/broker/drive"
)

// FileMost is the largest file that the PSA takes, in bytes: its limit lies between 6 and 7 MB (facts: AttachmentInfoEntity).
const FileMost = 6_000_000

// nameMost is the most of a file's title and name, in characters.
const nameMost = 255

// Attach implements drive.Ticketer.
func (t *Tickets) Attach(ctx context.Context, f drive.File) error {
	if !t.allowance.take(len(f.Data), t.now()) {
		return fmt.Errorf("%w: the PSA takes %d bytes of attachments in %s, and has them", drive.ErrNotNow, allowed, allowedIn)
	}
	b := body{
		"id": 0, "attachmentType": "FILE_ATTACHMENT", "title": fileTitle(f.Title), "fullPath": fileName(f.Name), "publish": int64(forAll),
		"data": base64.StdEncoding.EncodeToString(f.Data),
	}
	if f.Type != "" {
		b["contentType"] = fit(f.Type, 100)
	}
	where := fmt.Sprintf("/Tickets/%d/Attachments", f.Ticket)
	err := t.say(ctx, http.MethodPost, where, b, nil)
	if said := refusedTexts(err); mentions(said, "contentType") {
		delete(b, "contentType")
		err = t.say(ctx, http.MethodPost, where, b, nil)
	}
	return err
}

// fileTitle is a title that fits: its end tells files apart, and so does its beginning.
func fileTitle(title string) string {
	const end = 40
	r := []rune(title)
	if len(r) <= nameMost {
		return title
	}
	return string(r[:nameMost-end-1]) + "…" + string(r[len(r)-end:])
}

// fileName is a name that fits and keeps its ending.
func fileName(name string) string {
	r := []rune(name)
	if len(r) <= nameMost && name != "" {
		return name
	}
	if name == "" {
		return "file"
	}
	ending := []rune(path.Ext(name))
	if len(ending) > 20 {
		ending = nil
	}
	return string(r[:nameMost-len(ending)]) + string(ending)
}

// file is what is read of one.
type file struct {
	ID    int64
	Title string
}

// HasFile implements drive.Ticketer.
func (t *Tickets) HasFile(ctx context.Context, ticket int64, title string) (bool, error) {
	found, err := query[file](ctx, t, "TicketAttachments", []string{"id", "title"}, equals("parentID", ticket))
	if err != nil {
		return false, err
	}
	title = fileTitle(title)
	for _, f := range found {
		if strings.TrimSpace(f.Title) == strings.TrimSpace(title) {
			return true, nil
		}
	}
	return false, nil
}

// The PSA's limit on new attachments: so many bytes in so long, then none for as long (facts: AttachmentInfoEntity).
const (
	allowed   = 10_000_000
	allowedIn = 5 * time.Minute
)

// Allowance counts what was attached of late, so that the PSA's limit is not run into. The zero value is ready.
type Allowance struct {
	mu   sync.Mutex
	sent []sentFile
}

type sentFile struct {
	at    time.Time
	bytes int
}

// take reports whether so many more bytes may be sent now, and counts them.
func (a *Allowance) take(bytes int, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum, late := 0, a.sent[:0]
	for _, s := range a.sent {
		if now.Sub(s.at) < allowedIn {
			late = append(late, s)
			sum += s.bytes
		}
	}
	a.sent = late
	if sum > 0 && sum+bytes > allowed {
		return false
	}
	a.sent = append(a.sent, sentFile{now, bytes})
	return true
}
