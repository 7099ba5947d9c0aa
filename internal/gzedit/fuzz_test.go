package gzedit

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"testing"
	"testing/iotest"
)

// maxFuzzText keeps a fuzz run from unpacking much.
const maxFuzzText = 1 << 20

// checkFuzz checks an edit that is chosen by two numbers.
func checkFuzz(t *testing.T, z []byte, which, place uint16) {
	if tooMuch(z) {
		checkStart(t, z)
		return
	}
	text, _ := inflated(z)
	all := editors(len(text))
	all = append(all,
		editor{"that changes a byte", atPlace(int(place), 1, "\xff")},
		editor{"that holds some", func(text io.Reader) io.Reader { return &delayed{text: text, held: int(place)} }},
		editor{"that ends", func(text io.Reader) io.Reader { return io.LimitReader(text, int64(place)) }},
	)
	e := all[int(which)%len(all)]
	src := io.Reader(bytes.NewReader(z))
	switch int(which) / len(all) % 3 {
	case 1:
		src = iotest.OneByteReader(src)
	case 2:
		src = &sized{src, 1 + int(place)}
	}
	if err := check(z, src, e.edit); err != nil {
		t.Errorf("an editor %s, at %d: %v", e.name, place, err)
	}
}

// tooMuch reports whether gzip has more text than maxFuzzText.
func tooMuch(z []byte) bool { return len(start(New(bytes.NewReader(z), identity))) > maxFuzzText }

// start is what gzip begins with, a byte more than maxFuzzText at most.
func start(z io.Reader) []byte {
	r, err := gzip.NewReader(z)
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(r, maxFuzzText+1))
	return text
}

// checkStart is for much text, of which only the beginning is compared.
func checkStart(t *testing.T, z []byte) {
	t.Helper()
	got, want := start(New(bytes.NewReader(z), identity)), start(bytes.NewReader(z))
	if !bytes.Equal(got, want) {
		t.Errorf("of much text the beginning differs from %d on", common(got, want))
	}
}

// FuzzEdit takes bytes that claim to be gzip.
func FuzzEdit(f *testing.F) {
	seeds := [][]byte{nil, members([]byte("some text")), flushed(page(psa, 2<<10))}
	for _, c := range compressions() {
		seeds = append(seeds, c.compress(page(psa, 2<<10)))
	}
	for _, z := range rawStreams(f) {
		seeds = append(seeds, z)
	}
	for _, z := range fixtures(f) {
		seeds = append(seeds, z)
	}
	for i, z := range seeds {
		f.Add(z, uint16(i), uint16(i*50))
	}
	f.Fuzz(checkFuzz)
}

// FuzzChangedGzip compresses a text in one of many ways, and changes bits of what comes out.
func FuzzChangedGzip(f *testing.F) {
	for i := range 30 {
		f.Add(page(psa, 2<<10), uint8(i), []byte{0, byte(i), 3}, uint16(i), uint16(i*100))
	}
	f.Add(bytes.Repeat([]byte("abc"), 30_000), uint8(0), []byte{}, uint16(0), uint16(9))
	f.Add([]byte("a"), uint8(1), []byte{1, 2, 3, 4, 5, 6}, uint16(1), uint16(0))
	f.Fuzz(func(t *testing.T, text []byte, way uint8, bits []byte, which, place uint16) {
		all := compressions()
		z := all[int(way)%len(all)].compress(text)
		for i := 0; i+2 < len(bits) && len(z) > 0; i += 3 {
			at := (int(bits[i])<<8 | int(bits[i+1])) % len(z)
			z[at] ^= 1 << (bits[i+2] & 7)
		}
		checkFuzz(t, z, which, place)
	})
}

// FuzzRawDeflate takes raw deflate alone, whose sum is mended: what the fuzzer finds is seldom thrown away for its sum.
func FuzzRawDeflate(f *testing.F) {
	for _, z := range rawStreams(f) {
		f.Add(z[10:len(z)-8], uint16(0), uint16(0))
	}
	for _, z := range fixtures(f) {
		f.Add(z[10:len(z)-8], uint16(1), uint16(700))
	}
	f.Fuzz(func(t *testing.T, raw []byte, which, place uint16) {
		checkFuzz(t, packed(raw, rawText(raw)), which, place)
	})
}

// rawText inflates raw deflate, of which it reads a byte more than maxFuzzText at most. What cannot be inflated gives what can.
func rawText(raw []byte) []byte {
	text, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxFuzzText+1))
	return text
}
