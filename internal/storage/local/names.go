package local

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/windhover-io/windhover/internal/storage"
)

// The names of the files that are not content: every name with one of these endings is ours, and a
// user's name that has one is escaped.
const (
	metadataSuffix = ".metadata" // beside a file; the reference keeps metadata the same way
	partialSuffix  = ".partial"  // of the directory where files are written before they are in place
)

// maxDiskName leaves room for metadataSuffix within the 255 bytes that file systems allow.
const maxDiskName = 255 - len(metadataSuffix)

// diskPath returns the path of a URI below its tenant's directory.
func diskPath(uri storage.URI) (string, error) {
	if uri.IsRoot() {
		return ".", nil
	}
	segments := strings.Split(strings.Trim(uri.Path(), "/"), "/")
	for i, segment := range segments {
		if segments[i] = encodeName(segment); len(segments[i]) > maxDiskName {
			return "", fmt.Errorf("%w name %q: it is too long for a file", storage.ErrInvalid, segment)
		}
	}
	return filepath.Join(segments...), nil
}

// encodeName returns the name of a file as it is on disk. Names that every system can hold stay as
// they are; what some could not, or what is ours, has characters written %XX. It is the same on every
// system, so that a directory can move from one to another.
func encodeName(name string) string {
	escape := make(map[int]bool)
	for i := range len(name) {
		if c := name[i]; strings.IndexByte(`<>:"|?*\`, c) >= 0 || c == '%' && isEscape(name[i:]) {
			escape[i] = true
		}
	}
	if last := len(name) - 1; name[last] == '.' || name[last] == ' ' {
		escape[last] = true
	}
	if isDevice(name) {
		escape[0] = true
	}
	for _, suffix := range []string{metadataSuffix, partialSuffix} {
		if i := len(name) - len(suffix); i >= 0 && strings.EqualFold(name[i:], suffix) {
			escape[i+1] = true
		}
	}
	if len(escape) == 0 {
		return name
	}
	var out strings.Builder
	for i := range len(name) {
		if escape[i] {
			fmt.Fprintf(&out, "%%%02X", name[i])
		} else {
			out.WriteByte(name[i])
		}
	}
	return out.String()
}

// decodeName is the inverse of encodeName. It reports false for a file that is not a user's: one of
// ours, or one that something else put there under a name that encodeName would not have given it.
func decodeName(disk string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(disk); i++ {
		if !isEscape(disk[i:]) {
			out.WriteByte(disk[i])
			continue
		}
		out.WriteByte(unhex(disk[i+1])<<4 | unhex(disk[i+2]))
		i += 2
	}
	name := out.String()
	return name, name != "" && encodeName(name) == disk
}

// isEscape reports whether s begins with % and two hexadecimal digits.
func isEscape(s string) bool {
	const digits = "0123456789ABCDEFabcdef"
	return len(s) >= 3 && s[0] == '%' && strings.IndexByte(digits, s[1]) >= 0 && strings.IndexByte(digits, s[2]) >= 0
}

func unhex(c byte) byte {
	if c >= 'A' {
		return c&^0x20 - 'A' + 10
	}
	return c - '0'
}

// isDevice reports whether Windows takes the name for a device, with whatever extension.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch base = strings.TrimRight(base, " "); base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if !strings.HasPrefix(base, "COM") && !strings.HasPrefix(base, "LPT") {
		return false
	}
	return len(base) == 4 && base[3] >= '0' && base[3] <= '9' || base[3:] == "¹" || base[3:] == "²" || base[3:] == "³"
}
