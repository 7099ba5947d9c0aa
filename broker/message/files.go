package message

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

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

// nameMost is the most of a file's name, in characters.
const nameMost = 120

// endings of files whose mail gives them no name.
var endings = map[string]string{
	"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/svg+xml": ".svg", "image/bmp": ".bmp",
	"application/pdf": ".pdf", "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/csv": ".csv",
	"message/rfc822": ".eml", "application/zip": ".zip", "application/ms-tnef": ".dat", "text/xml": ".xml", "application/xml": ".xml",
	"application/json": ".json", "text/vcard": ".vcf", "text/x-vcard": ".vcf", "application/pkcs7-mime": ".p7m", "text/rtf": ".rtf",
}

// name makes a file's name safe and its own.
func (r *reading) name(claimed, kind string) string {
	name := safeName(claimed)
	if name == "" {
		base, _, _ := strings.Cut(kind, "/")
		if base != "image" {
			base = "attachment"
		}
		name = fmt.Sprintf("%s-%d%s", base, len(r.message.Files)+1, endings[kind])
	}
	if r.names == nil {
		r.names = map[string]bool{}
	}
	unique, ending := name, path.Ext(name)
	for i := 2; r.names[strings.ToLower(unique)]; i++ {
		unique = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ending), i, ending)
	}
	r.names[strings.ToLower(unique)] = true
	return unique
}

// reserved are names that are no files on Windows.
var reserved = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true, "conin$": true, "conout$": true}

func init() {
	for i := range 10 {
		reserved["com"+strconv.Itoa(i)], reserved["lpt"+strconv.Itoa(i)] = true, true
	}
}

// safeName is the base name alone, without what a system gives a meaning to; empty if nothing is left.
func safeName(claimed string) string {
	name := decodeValue(claimed)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) || unicode.IsControl(r) {
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(plain.Line(name), ". ")
	ending := path.Ext(name)
	if base, _, _ := strings.Cut(name, "."); reserved[strings.ToLower(strings.TrimSpace(base))] {
		name = "_" + name
	}
	if len([]rune(ending)) > 20 {
		ending = ""
	}
	return plain.Cut(strings.TrimSuffix(name, ending), nameMost-len([]rune(ending)), "") + ending
}
