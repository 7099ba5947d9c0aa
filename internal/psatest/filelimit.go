package psatest

import "time"

// filesWithin is over how long the bytes of files are counted, and for how long none is taken once there were too many.
const filesWithin = 5 * time.Minute

// attached is a file that was taken.
type attached struct {
	at    time.Time
	bytes int64
}

// fileLimit counts a file, or refuses it. Called with data held.
func (t *Tenant) fileLimit(r *record, most int, now time.Time) error {
	size, err := fileSize(r)
	if most == 0 || err != nil || r.vals["attachmentType"] != "FILE_ATTACHMENT" {
		return nil // what is no file is for the rules
	}
	for len(t.attached) > 0 && now.Sub(t.attached[0].at) >= filesWithin {
		t.attached = t.attached[1:]
	}
	sum := size
	for _, a := range t.attached {
		sum += a.bytes
	}
	if sum > int64(most) && !now.Before(t.noFilesUntil) {
		t.noFilesUntil = now.Add(filesWithin)
	}
	if now.Before(t.noFilesUntil) {
		return complain("The maximum of %d bytes of attachments in 5 minutes has been exceeded. Try again later.", most)
	}
	t.attached = append(t.attached, attached{now, size})
	return nil
}
