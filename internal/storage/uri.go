package storage

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Scheme is the scheme of a storage URI.
const Scheme = "kestra"

// What every storage can keep: object stores allow keys of 1,024 bytes, tenant included.
const (
	maxPath    = 900
	maxSegment = 255
	maxTenant  = 64
)

// URI is the place of a file or a directory of a tenant. It can only be made by this package, which
// refuses whatever could lead elsewhere; the zero URI is no place and fits no operation.
type URI struct {
	tenant string
	path   string // starts with a slash, decoded, without empty, `.` and `..` segments
}

// Parse reads `kestra:///path`, or a path alone, in both of which %20 is a space. A trailing slash
// marks a directory. It fails with ErrOutsideRoot for a `..`, encoded or not, and else with ErrInvalid.
func Parse(tenant, uri string) (URI, error) {
	if uri == "" {
		return URI{}, fmt.Errorf("%w URI: it is empty", ErrInvalid)
	}
	encoded := uri
	if scheme, rest, ok := strings.Cut(uri, ":"); ok && !strings.Contains(scheme, "/") {
		if scheme != Scheme {
			return URI{}, fmt.Errorf("%w URI %q: the scheme is not %s", ErrInvalid, uri, Scheme)
		}
		if encoded = rest; strings.HasPrefix(rest, "//") && !strings.HasPrefix(rest, "///") {
			return URI{}, fmt.Errorf("%w URI %q: it must begin with %s:///", ErrInvalid, uri, Scheme)
		}
	}
	if strings.ContainsAny(encoded, "?#") {
		return URI{}, fmt.Errorf("%w URI %q: `?` and `#` must be written %%3F and %%23", ErrInvalid, uri)
	}
	path, err := url.PathUnescape(encoded)
	if err != nil {
		return URI{}, fmt.Errorf("%w URI %q: %w", ErrInvalid, uri, err)
	}
	return Root(tenant).join(path)
}

// Root is the directory that holds everything of a tenant.
func Root(tenant string) URI { return URI{tenant, "/"} }

// Join appends segments to a directory. Unlike in Parse they are taken as they are, without
// decoding; a slash in them separates, and one at the end marks a directory.
func (u URI) Join(segments ...string) (URI, error) { return u.join(strings.Join(segments, "/")) }

// join appends a path, and is the only way to a URI of other than the root.
func (u URI) join(path string) (URI, error) {
	if !validTenant(u.tenant) {
		return URI{}, fmt.Errorf("%w tenant %q", ErrInvalid, u.tenant)
	}
	clean := strings.TrimSuffix(u.path, "/")
	last := ""
	for segment := range strings.SplitSeq(path, "/") {
		if last = segment; segment == "" || segment == "." {
			continue
		}
		if segment == ".." {
			return URI{}, fmt.Errorf("path %q %w: it must not contain '..'", path, ErrOutsideRoot)
		}
		if err := checkSegment(segment); err != nil {
			return URI{}, err
		}
		clean += "/" + segment
	}
	if last == "" || last == "." {
		clean += "/"
	}
	if len(clean) > maxPath {
		return URI{}, fmt.Errorf("%w path of %d bytes: at most %d are allowed", ErrInvalid, len(clean), maxPath)
	}
	return URI{u.tenant, clean}, nil
}

func checkSegment(segment string) error {
	switch {
	case len(segment) > maxSegment:
		return fmt.Errorf("%w name of %d bytes: at most %d are allowed", ErrInvalid, len(segment), maxSegment)
	case !utf8.ValidString(segment):
		return fmt.Errorf("%w name %q: it is not UTF-8", ErrInvalid, segment)
	case strings.ContainsFunc(segment, unicode.IsControl):
		return fmt.Errorf("%w name %q: it holds control characters", ErrInvalid, segment)
	}
	return nil
}

// validTenant admits what can be a directory and part of a bucket's key anywhere.
func validTenant(tenant string) bool {
	if tenant == "" || len(tenant) > maxTenant || strings.Trim(tenant[:1], "-_") == "" {
		return false
	}
	return strings.Trim(tenant, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// Tenant returns the tenant.
func (u URI) Tenant() string { return u.tenant }

// Path returns the path, decoded, from its leading slash on.
func (u URI) Path() string { return u.path }

// String returns the URI as it appears in flows: kestra:/// and the encoded path.
func (u URI) String() string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	out.WriteString(Scheme + "://")
	for _, r := range u.path {
		switch {
		case r < utf8.RuneSelf && !strings.ContainsRune(` "%<>?[\]^`+"`{|}#", r), r >= utf8.RuneSelf && !unicode.IsSpace(r):
			out.WriteRune(r)
		default:
			for _, b := range []byte(string(r)) {
				out.Write([]byte{'%', hex[b>>4], hex[b&15]})
			}
		}
	}
	return out.String()
}

// Valid reports whether u is a place at all.
func (u URI) Valid() bool { return u.path != "" && validTenant(u.tenant) }

// IsRoot reports whether u is the tenant's root.
func (u URI) IsRoot() bool { return u.path == "/" }

// IsDirectory reports whether u can only be a directory, because it ends with a slash.
func (u URI) IsDirectory() bool { return strings.HasSuffix(u.path, "/") }

// Name returns the last segment, without a slash; it is empty for the root.
func (u URI) Name() string {
	path := strings.TrimSuffix(u.path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Parent returns the directory that holds u; the root is its own.
func (u URI) Parent() URI {
	path := strings.TrimSuffix(u.path, "/")
	if path == "" {
		return u
	}
	return URI{u.tenant, path[:strings.LastIndexByte(path, '/')+1]}
}

// AsFile returns u without a trailing slash, the root as it is.
func (u URI) AsFile() URI {
	if path := strings.TrimSuffix(u.path, "/"); path != "" {
		u.path = path
	}
	return u
}

// AsDirectory returns u with a trailing slash.
func (u URI) AsDirectory() URI {
	if u.path != "" && !u.IsDirectory() {
		u.path += "/"
	}
	return u
}

// Within reports whether u is dir or something below it, of the same tenant.
func (u URI) Within(dir URI) bool {
	_, ok := u.Rel(dir)
	return ok
}

// Rel returns u's path below dir, without a leading slash, and whether u is dir or below it.
func (u URI) Rel(dir URI) (string, bool) {
	base := dir.AsDirectory().path
	switch {
	case !u.Valid() || u.tenant != dir.tenant:
		return "", false
	case u.AsDirectory().path == base:
		return "", true
	}
	return strings.CutPrefix(u.path, base)
}
