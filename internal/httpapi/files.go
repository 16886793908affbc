package httpapi

import (
	"archive/zip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/storage"
)

func (a *API) fileRoutes() {
	const base = "/namespaces/{namespace}/files"
	a.route("GET", base, a.getFile)
	a.route("POST", base, a.putFile)
	a.route("PUT", base, a.moveFile)
	a.route("DELETE", base, a.deleteFile)
	a.route("GET", base+"/directory", a.listDirectory)
	a.route("POST", base+"/directory", a.createDirectory)
	a.route("GET", base+"/stats", a.statFile)
	a.route("GET", base+"/revisions", a.fileRevisions)
	a.route("GET", base+"/search", a.searchFiles)
	a.route("GET", base+"/export", a.exportFiles)
}

// namespaceFile is the place that a parameter of the request names within the namespace's files.
func namespaceFile(r *http.Request, parameter string) (storage.URI, error) {
	if err := checkNamespace(r.PathValue("namespace")); err != nil {
		return storage.URI{}, err
	}
	return storage.NamespaceFile(Tenant, r.PathValue("namespace"), strings.TrimPrefix(r.URL.Query().Get(parameter), "/"), 1)
}

// requiredFile is namespaceFile that must not be the directory of all files.
func requiredFile(r *http.Request, parameter string) (storage.URI, error) {
	if strings.Trim(r.URL.Query().Get(parameter), "/") == "" {
		return storage.URI{}, invalid(parameter + ": a path is required")
	}
	return namespaceFile(r, parameter)
}

// fileAttributes describe a file or a directory; times are milliseconds since 1970.
type fileAttributes struct {
	FileName     string            `json:"fileName"`
	LastModified int64             `json:"lastModifiedTime"`
	Created      int64             `json:"creationTime"`
	Type         storage.Type      `json:"type"`
	Size         int64             `json:"size"`
	Metadata     map[string]string `json:"metadata,omitempty"`
}

func attributesJSON(at storage.Attributes) fileAttributes {
	out := fileAttributes{FileName: at.Name, Type: at.Type, Size: at.Size, Metadata: at.Metadata}
	if !at.Modified.IsZero() {
		out.LastModified = at.Modified.UnixMilli()
	}
	if !at.Created.IsZero() {
		out.Created = at.Created.UnixMilli()
	}
	return out
}

// fileRevisions lists the revisions of a file that can be read, the oldest first.
func (a *API) fileRevisions(w http.ResponseWriter, r *http.Request) error {
	uri, err := requiredFile(r, "path")
	if err != nil {
		return err
	}
	numbers, err := storage.Revisions(r.Context(), a.Storage, uri)
	if err != nil {
		return err
	}
	type revision struct {
		Revision int `json:"revision"`
	}
	out := make([]revision, len(numbers))
	for i, n := range numbers {
		out[i].Revision = n
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) getFile(w http.ResponseWriter, r *http.Request) error {
	uri, err := requiredFile(r, "path")
	if err != nil {
		return err
	}
	rev := 0
	if text := r.URL.Query().Get("revision"); text != "" {
		if rev, err = strconv.Atoi(text); err != nil || rev < 1 {
			return invalid("revision: must be greater than or equal to 1")
		}
	}
	at, err := storage.Revision(r.Context(), a.Storage, uri, rev)
	if err != nil {
		return err
	}
	obj, err := a.Storage.Get(r.Context(), at)
	if err != nil {
		return err
	}
	defer obj.Close()
	attachment(w, "application/octet-stream", uri.Name())
	w.Header().Set("Content-Length", strconv.FormatInt(obj.Size, 10))
	_, err = io.Copy(w, obj)
	return ignoreGone(err)
}

func (a *API) putFile(w http.ResponseWriter, r *http.Request) error {
	uri, err := requiredFile(r, "path")
	if err != nil {
		return err
	}
	content, err := upload(r, "fileContent")
	if err != nil {
		return err
	}
	if err := storage.PutRevision(r.Context(), a.Storage, uri, content); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (a *API) moveFile(w http.ResponseWriter, r *http.Request) error {
	from, err := requiredFile(r, "from")
	if err != nil {
		return err
	}
	to, err := requiredFile(r, "to")
	if err != nil {
		return err
	}
	if err := storage.MoveRevision(r.Context(), a.Storage, from, to); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (a *API) deleteFile(w http.ResponseWriter, r *http.Request) error {
	uri, err := requiredFile(r, "path")
	if err != nil {
		return err
	}
	if _, err := storage.DeleteRevision(r.Context(), a.Storage, uri); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listDirectory lists what is directly in a directory. That of all files is empty where there is none yet.
func (a *API) listDirectory(w http.ResponseWriter, r *http.Request) error {
	dir, err := namespaceFile(r, "path")
	if err != nil {
		return err
	}
	list, err := a.Storage.List(r.Context(), dir.AsDirectory())
	if err != nil && !(errors.Is(err, storage.ErrNotFound) && strings.Trim(r.URL.Query().Get("path"), "/") == "") {
		return err
	}
	out := []fileAttributes{}
	for _, at := range list {
		out = append(out, attributesJSON(at))
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) createDirectory(w http.ResponseWriter, r *http.Request) error {
	dir, err := requiredFile(r, "path")
	if err != nil {
		return err
	}
	if err := a.Storage.CreateDirectory(r.Context(), dir.AsDirectory()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (a *API) statFile(w http.ResponseWriter, r *http.Request) error {
	uri, err := namespaceFile(r, "path")
	if err != nil {
		return err
	}
	at, err := a.Storage.Stat(r.Context(), uri)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, attributesJSON(at))
}

// filesOf lists the paths of all files of a namespace, in order, without a leading slash.
func (a *API) filesOf(r *http.Request) (paths []string, base storage.URI, err error) {
	if err := checkNamespace(r.PathValue("namespace")); err != nil {
		return nil, base, err
	}
	if base, err = storage.NamespaceFile(Tenant, r.PathValue("namespace"), "", 1); err != nil {
		return nil, base, err
	}
	base = base.AsDirectory()
	uris, err := a.Storage.AllByPrefix(r.Context(), base, false)
	if err != nil {
		return nil, base, err
	}
	for _, uri := range uris {
		if p, ok := uri.Rel(base); ok {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths, base, nil
}

func (a *API) searchFiles(w http.ResponseWriter, r *http.Request) error {
	paths, _, err := a.filesOf(r)
	if err != nil {
		return err
	}
	out := []string{}
	for _, p := range matching(paths, r.URL.Query().Get("q")) {
		out = append(out, "/"+p)
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) exportFiles(w http.ResponseWriter, r *http.Request) error {
	paths, base, err := a.filesOf(r)
	if err != nil {
		return err
	}
	return archive(w, r.PathValue("namespace")+"_files.zip", func(z *zip.Writer) error {
		for _, p := range paths {
			if err := a.addFile(r, z, base, p); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *API) addFile(r *http.Request, z *zip.Writer, base storage.URI, path string) error {
	uri, err := base.Join(path)
	if err != nil {
		return err
	}
	obj, err := a.Storage.Get(r.Context(), uri)
	if err != nil {
		return err
	}
	defer obj.Close()
	f, err := z.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, obj)
	return err
}
