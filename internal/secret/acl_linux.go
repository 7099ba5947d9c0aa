package secret

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// accessACL is where Linux keeps who may use a file beside its owner, its group and all others.
const accessACL = "system.posix_acl_access"

// hasACL reports whether a file has an access control list. The group's part of its mode is the list's mask then: a new file
// of the same mode would give the group what only those in the list have.
func hasACL(path string) bool {
	size, err := unix.Lgetxattr(path, accessACL, nil)
	return err == nil && size > 0
}

// dropACL takes from a new file the list that it has got from its folder, which the file that it is to replace has not.
func dropACL(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var removing error
	err = raw.Control(func(fd uintptr) { removing = unix.Fremovexattr(int(fd), accessACL) })
	if errors.Is(removing, unix.ENODATA) || errors.Is(removing, unix.EOPNOTSUPP) || errors.Is(removing, unix.ENOSYS) {
		return err
	}
	return errors.Join(err, removing)
}
