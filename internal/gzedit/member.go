package gzedit

import (
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
)

// The flags of a member's header (RFC 1952 section 2.3.1). A reader must refuse what has others.
const (
	flagHeaderSum = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
	flagsReserved = 0xe0
)

// maxName is how long a name or a comment may be, its final zero included; compress/gzip has the same bound.
const maxName = 512

// memberHeader reads a member's header (RFC 1952 section 2.3). The error is io.EOF where there is no other member.
func (f *inflater) memberHeader() error {
	head, err := f.bytes(10)
	if err != nil {
		return err
	}
	flags := head[3]
	if head[0] != 0x1f || head[1] != 0x8b || head[2] != 8 || flags&flagsReserved != 0 {
		return gzip.ErrHeader
	}
	sum := crc32.ChecksumIEEE(head)
	if err := f.headerFields(flags, &sum); err != nil {
		return noEOF(err)
	}
	f.kept = f.r * 8
	f.stage, f.low = atBlock, f.w
	return nil
}

// headerFields reads the fields that a header may have, and checks their sum.
func (f *inflater) headerFields(flags byte, sum *uint32) error {
	if flags&flagExtra != 0 {
		if err := f.extraField(sum); err != nil {
			return err
		}
	}
	for _, flag := range []byte{flagName, flagComment} {
		if flags&flag == 0 {
			continue
		}
		if err := f.nameField(sum); err != nil {
			return err
		}
	}
	if flags&flagHeaderSum == 0 {
		return nil
	}
	field, err := f.bytes(2)
	if err == nil && binary.LittleEndian.Uint16(field) != uint16(*sum) {
		return gzip.ErrHeader
	}
	return err
}

func (f *inflater) extraField(sum *uint32) error {
	size, err := f.bytes(2)
	if err != nil {
		return err
	}
	*sum = crc32.Update(*sum, crc32.IEEETable, size)
	for left := int(binary.LittleEndian.Uint16(size)); left > 0; {
		part, err := f.bytes(min(left, 1<<10))
		if err != nil {
			return err
		}
		*sum = crc32.Update(*sum, crc32.IEEETable, part)
		left -= len(part)
	}
	return nil
}

func (f *inflater) nameField(sum *uint32) error {
	for range maxName {
		c, err := f.bytes(1)
		if err != nil {
			return err
		}
		*sum = crc32.Update(*sum, crc32.IEEETable, c)
		if c[0] == 0 {
			return nil
		}
	}
	return gzip.ErrHeader
}

// memberTrailer reads a member's trailer (RFC 1952 section 2.3.1), and compares it with what came out.
func (f *inflater) memberTrailer(sum, size uint32) error {
	f.align()
	trailer, err := f.bytes(8)
	if err != nil {
		return noEOF(err)
	}
	if binary.LittleEndian.Uint32(trailer) != sum || binary.LittleEndian.Uint32(trailer[4:]) != size {
		return gzip.ErrChecksum
	}
	f.stage = atMember
	return nil
}

// header is the header of what is written: no name, no time, an unknown system.
const header = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
