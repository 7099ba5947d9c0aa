package gzedit

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"testing"
)

// lastBlock is a text as one last block of fixed codes, which ends within a byte.
func lastBlock(text string) []byte {
	var o output
	o.add(1|fixedBlock<<1, 3)
	var b builder
	lengths := fixedLengths()
	b.sort(lengths[:288])
	for _, c := range []byte(text) {
		s := b.spell(lengths[:288], uint16(c))
		o.add(s.code, s.bits)
	}
	o.add(fixed.end.code, fixed.end.bits)
	o.pad()
	return o.buf
}

// dynamic is the beginning of a last block with codes of these lengths. Each length is spelled with four bits.
func dynamic(lit, dist []uint8) *output {
	o := new(output)
	o.add(1|dynamicBlock<<1, 3)
	o.add(uint16(len(lit)-257), 5)
	o.add(uint16(len(dist)-1), 5)
	o.add(15, 4)
	for _, symbol := range order {
		bits := uint16(4)
		if symbol >= 16 {
			bits = 0
		}
		o.add(bits, 3)
	}
	for _, n := range append(bytes.Clone(lit), dist...) {
		o.add(uint16(reversed(int(n), 4)), 4)
	}
	return o
}

// lengths are code lengths, all but these zero.
func lengths(size int, some map[int]uint8) []uint8 {
	all := make([]uint8, size)
	for symbol, n := range some {
		all[symbol] = n
	}
	return all
}

func TestCodesAreJudgedAsTheStandardLibraryDoes(t *testing.T) {
	good := map[int]uint8{'a': 1, endOfBlock: 1}
	one := map[int]uint8{0: 1}
	for name, c := range map[string]struct {
		lit, dist []uint8
		valid     bool
	}{
		"complete codes":                    {lengths(257, good), lengths(2, map[int]uint8{0: 1, 1: 1}), true},
		"no distance":                       {lengths(257, good), lengths(1, nil), true},
		"one distance of one bit":           {lengths(257, good), lengths(1, one), true},
		"one distance of two bits":          {lengths(257, good), lengths(1, map[int]uint8{0: 2}), false},
		"two distances of two bits":         {lengths(257, good), lengths(2, map[int]uint8{0: 2, 1: 2}), false},
		"three distances of one bit":        {lengths(257, good), lengths(3, map[int]uint8{0: 1, 1: 1, 2: 1}), false},
		"thirty distances":                  {lengths(257, good), lengths(30, one), true},
		"thirty-one distances":              {lengths(257, good), lengths(31, one), false},
		"all literals and lengths":          {lengths(286, good), lengths(1, one), true},
		"more literals and lengths":         {lengths(287, good), lengths(1, one), false},
		"an end alone":                      {lengths(257, map[int]uint8{endOfBlock: 1}), lengths(1, one), true},
		"no end":                            {lengths(257, map[int]uint8{'a': 1, 'b': 1}), lengths(1, one), false},
		"more codes than bits have":         {lengths(257, map[int]uint8{'a': 1, 'b': 1, endOfBlock: 1}), lengths(1, one), false},
		"the longest codes, one each":       {descending(257), lengths(1, one), true},
		"one code is lacking":               {lengths(257, map[int]uint8{'a': 1, endOfBlock: 2}), lengths(1, one), false},
		"distances with the longest codes":  {lengths(257, good), descending(16), true},
		"lengths of one bit that are three": {lengths(286, map[int]uint8{'a': 1, endOfBlock: 2, 257: 2}), lengths(1, one), true},
	} {
		o := dynamic(c.lit, c.dist)
		var b builder
		var text []byte
		if b.sort(c.lit) && c.lit[endOfBlock] > 0 {
			if s := b.spell(c.lit, 'a'); s.bits > 0 {
				o.add(s.code, s.bits)
				text = []byte("a")
			}
			s := b.spell(c.lit, endOfBlock)
			o.add(s.code, s.bits)
		}
		o.pad()
		z := packed(o.buf, text)
		_, err := io.ReadAll(New(bytes.NewReader(z), identity))
		if (err == nil) != c.valid {
			t.Errorf("%s: error %v, valid: %v", name, err, c.valid)
		}
		if err := check(z, bytes.NewReader(z), identity); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// descending are lengths of a complete code whose codes have 1, 2, 3 bits and so on, two of them 15. The end of the block
// is among them where there are so many symbols.
func descending(size int) []uint8 {
	all := make([]uint8, size)
	for i := range 16 {
		all[size-1-i] = uint8(min(i+1, maxBits))
	}
	return all
}

func TestMembersThatEndWithinAByte(t *testing.T) {
	var z []byte
	for _, text := range []string{"", "a", "\xff", "some text", "\xff\xff", "\xff\xff\xff", "", "end"} {
		z = append(z, packed(lastBlock(text), []byte(text))...)
	}
	text, _ := inflated(z)
	for _, e := range editors(len(text)) {
		if err := check(z, bytes.NewReader(z), e.edit); err != nil {
			t.Errorf("an editor %s: %v", e.name, err)
		}
	}
}

func TestAMemberDoesNotReferToTheOneBefore(t *testing.T) {
	before := bytes.Repeat([]byte("what was said before"), 4000)
	text := append(bytes.Clone(before[:1000]), page(psa, 2<<10)...)
	var raw bytes.Buffer
	w, _ := flate.NewWriterDict(&raw, flate.BestCompression, before)
	_, _ = w.Write(text)
	_ = w.Close()
	for _, size := range []int{20, 200, 30_000, len(before)} {
		z := append(packed(stateless(before[:size]), before[:size]), packed(raw.Bytes(), text)...)
		if err := check(z, bytes.NewReader(z), identity); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadAll(New(bytes.NewReader(z), identity)); !errors.As(err, new(flate.CorruptInputError)) {
			t.Errorf("behind %d bytes: error %v, want that of a corrupt input", size, err)
		}
	}
}

func TestTheErrorSaysWhere(t *testing.T) {
	text := page(psa, 1<<20)
	z := flushed(text)
	place := bytes.LastIndex(z[:len(z)-100], []byte("\x00\x00\xff\xff")) + 4
	z[place] = 6 // the fourth kind of block, which there is not
	_, err := io.ReadAll(New(bytes.NewReader(z), identity))
	var corrupt flate.CorruptInputError
	if !errors.As(err, &corrupt) || int(corrupt) < place || int(corrupt) > place+16 {
		t.Errorf("error %v for what is wrong at %d", err, place)
	}
}
