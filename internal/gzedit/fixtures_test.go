package gzedit

import (
	"bytes"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	kflate "github.com/klauspost/compress/flate"
)

// fixtures are what zlib wrote (testdata/zlib/make.py), by their name.
func fixtures(t testing.TB) map[string][]byte {
	t.Helper()
	names, _ := filepath.Glob("testdata/zlib/*.gz")
	if len(names) < 15 {
		t.Fatalf("only %d fixtures", len(names))
	}
	all := map[string][]byte{}
	for _, name := range names {
		z, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = z
	}
	return all
}

// rawStreams are raw deflate, valid and not, as members, by what they are.
func rawStreams(t testing.TB) map[string][]byte {
	t.Helper()
	file, err := os.ReadFile("testdata/streams.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for line := range strings.Lines(string(file)) {
		stream, name, found := strings.Cut(strings.TrimSpace(line), " ")
		if stream == "#" {
			continue
		}
		raw, err := hex.DecodeString(stream)
		if err != nil || !found {
			t.Fatalf("%s: %v", line, err)
		}
		text, _ := io.ReadAll(kflate.NewReader(bytes.NewReader(raw)))
		all[name] = packed(raw, text)
	}
	return all
}

func TestWhatZlibWritesCanBeEdited(t *testing.T) {
	for name, z := range fixtures(t) {
		text, err := inflated(z)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range editors(len(text)) {
			if err := check(z, bytes.NewReader(z), e.edit); err != nil {
				t.Errorf("%s, an editor %s: %v", name, e.name, err)
			}
			if err := check(z, iotest.OneByteReader(bytes.NewReader(z)), e.edit); err != nil {
				t.Errorf("%s, byte by byte, an editor %s: %v", name, e.name, err)
			}
		}
	}
}

func TestWhatHasACodeThatIsNoneIsRefusedAsTheStandardLibraryDoes(t *testing.T) {
	for name, z := range rawStreams(t) {
		text, _ := inflated(z)
		for _, e := range editors(len(text)) {
			if err := check(z, bytes.NewReader(z), e.edit); err != nil {
				t.Errorf("%s, an editor %s: %v", name, e.name, err)
			}
		}
	}
}

func TestAChangeAtEveryPlace(t *testing.T) {
	text := page(psa, 2<<10)
	text = text[len(text)-400:]
	for _, c := range compressions() {
		changeAt(t, c.name, c.compress(text), 5)
	}
	for name, z := range fixtures(t) {
		changeAt(t, name, z, 101)
	}
}

// changeAt changes a text at each place that is so far from the one before.
func changeAt(t *testing.T, name string, z []byte, step int) {
	t.Helper()
	text, _ := inflated(z)
	for place := 0; place < min(len(text), 10_000); place += step {
		for _, edit := range []func(io.Reader) io.Reader{atPlace(place, 1, "\xff"), atPlace(place, 0, "in"), atPlace(place, 7, "")} {
			if err := check(z, bytes.NewReader(z), edit); err != nil {
				t.Fatalf("%s, changed at %d: %v", name, place, err)
			}
		}
	}
}

func TestWhatIsCutOffAnywhereEndsInAnError(t *testing.T) {
	for name, z := range fixtures(t) {
		for end := 1; end < len(z); end += 1 + len(z)/150 {
			for _, edit := range []func(io.Reader) io.Reader{identity, rewriter} {
				got, err := io.ReadAll(New(bytes.NewReader(z[:end]), edit))
				if err != io.ErrUnexpectedEOF {
					t.Fatalf("%s, cut off at %d: error %v, want %v", name, end, err, io.ErrUnexpectedEOF)
				}
				want, _ := wanted(z[:end], edit)
				if err := checkPrefix(got, want); err != nil {
					t.Fatalf("%s, cut off at %d: %v", name, end, err)
				}
				if text, _ := inflated(got); len(text) != len(want) {
					t.Fatalf("%s, cut off at %d: %d bytes of text came out, want %d", name, end, len(text), len(want))
				}
			}
		}
	}
}

func TestAWrongBitAnywhereIsSeen(t *testing.T) {
	for name, z := range fixtures(t) {
		for bit := 0; bit < 8*len(z); bit += 1 + len(z)/10 {
			wrong := bytes.Clone(z)
			wrong[bit/8] ^= 1 << (bit % 8)
			for _, edit := range []func(io.Reader) io.Reader{identity, rewriter} {
				if err := check(wrong, bytes.NewReader(wrong), edit); err != nil {
					t.Fatalf("%s, wrong at bit %d: %v", name, bit, err)
				}
			}
		}
	}
}
