package secret

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/psagate/psagate/internal/realparts"
)

// setACL gives one more user of the system a file, or all that come into a folder, to read.
func setACL(t *testing.T, path, kind string) {
	t.Helper()
	const nobody = ^uint32(0)
	list := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, may uint16
		id       uint32
	}{{0x01, 6, nobody}, {0x02, 4, 12345}, {0x04, 0, nobody}, {0x10, 4, nobody}, {0x20, 0, nobody}} { // owner, a user, group, mask, others
		list = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(list, e.tag), e.may)
		list = binary.LittleEndian.AppendUint32(list, e.id)
	}
	if err := unix.Setxattr(path, kind, list, 0); err != nil {
		realparts.LeftOut(t, "a file with an access control list (%v); it needs a file system that has them below TMPDIR", err)
	}
}

func TestAFileWithAnAccessControlListIsNotReplacedByOneWithout(t *testing.T) {
	f := newSecretsFile(t, oldText)
	f.t = t
	first := f.record()
	setACL(t, f.path, accessACL)
	_, err := f.Write(t.Context(), "a", first, to(planted))
	wrong(t, err, ErrReadOnly, "it has an access control list, which a new file would not have")
	wrong(t, f.CanWrite(t.Context(), "a"), ErrReadOnly, "setfacl -b")
	f.holds(oldText)
}

func TestAFileWithoutAnAccessControlListDoesNotGetThatOfItsFolder(t *testing.T) {
	f := newSecretsFile(t, oldText)
	f.t = t
	first := f.record()
	setACL(t, filepath.Dir(f.path), "system.posix_acl_default")
	if err := os.Chmod(f.path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(t.Context(), "a", first, to(planted)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(f.path); err != nil || info.Mode().Perm() != 0o640 || hasACL(f.path) {
		t.Errorf("mode %v, a list: %t", info.Mode(), hasACL(f.path))
	}
}
