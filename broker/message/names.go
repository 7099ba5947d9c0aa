package message

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/psagate/psagate/broker/plain"
)

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
