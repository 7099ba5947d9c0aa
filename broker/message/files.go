package message

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jhillyerd/enmime/v2"
	"github.com/psagate/psagate/broker/plain"
)

// add makes a file of a part.
func (r *reading) add(p *enmime.Part, kind string) {
	r.message.Files = append(r.message.Files, r.file(File{Name: p.FileName, Type: kind, ContentID: p.ContentID, Data: p.Content}))
}

func (r *reading) file(f File) File {
	f.Name, f.Hash = r.name(f.Name, f.Type), sha256.Sum256(f.Data)
	return f
}

// imageText is what stands for an image in the text. Pictures from elsewhere are not fetched; those of a dot are there to
// see who reads the mail.
func (r *reading) imageText(src, alt string, attrs map[string]string) string {
	scheme, rest, _ := strings.Cut(src, ":")
	switch strings.ToLower(scheme) {
	case "cid":
		if id, err := url.QueryUnescape(rest); err == nil {
			rest = id
		}
		if name := r.show(rest); name != "" {
			return name
		}
	case "data":
		return r.dataImage(rest)
	}
	if tiny(attrs["width"]) && tiny(attrs["height"]) {
		return ""
	}
	return plain.Line(alt)
}

func tiny(size string) bool {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(size), "px"))
	return err == nil && n <= 2
}

// show is what the text says where a file of the mail is shown.
func (r *reading) show(id string) string {
	if r.byID == nil {
		r.byID = map[string]int{}
		for i, f := range slices.Backward(r.message.Files) {
			r.byID[f.ContentID] = i
		}
	}
	i, found := r.byID[id]
	if !found || id == "" {
		return ""
	}
	r.message.Files[i].Inline = true
	return "[image: " + r.message.Files[i].Name + "]"
}

// imagesMost is how many images that stand in HTML itself become files. Where there are more, the mail itself is attached.
const imagesMost = 100

// dataImage makes a file of an image that stands in the HTML itself (RFC 2397), as pasted pictures do.
func (r *reading) dataImage(rest string) string {
	kind, encoded, ok := strings.Cut(rest, ";base64,")
	if !ok || !strings.HasPrefix(kind, "image/") {
		return ""
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil || len(data) < 100 { // smaller is a dot
		return ""
	}
	hash := sha256.Sum256(data)
	name, known := r.images[hash]
	switch {
	case !known && len(r.images) == imagesMost:
		r.message.Lost = true
		return ""
	case !known:
		f := r.file(File{Type: strings.ToLower(kind), Data: data, Inline: true})
		r.message.Files = append(r.message.Files, f)
		if r.images == nil {
			r.images = map[[sha256.Size]byte]string{}
		}
		name, r.images[hash] = f.Name, f.Name
	}
	return "[image: " + name + "]"
}
