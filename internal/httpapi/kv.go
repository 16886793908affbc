package httpapi

import (
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) kvRoutes() {
	a.route("GET", "/kv", a.searchKeys)
	a.route("GET", "/namespaces/{namespace}/kv", a.keysOfNamespace)
	a.route("DELETE", "/namespaces/{namespace}/kv", a.deleteKeys)
	a.route("GET", "/namespaces/{namespace}/kv/inheritance", a.inheritedKeys)
	a.route("GET", "/namespaces/{namespace}/kv/{key}", a.getKey)
	a.route("GET", "/namespaces/{namespace}/kv/{key}/detail", a.describeKey)
	a.route("PUT", "/namespaces/{namespace}/kv/{key}", a.putKey)
	a.route("DELETE", "/namespaces/{namespace}/kv/{key}", a.deleteKey)
}

// kvEntry is a key in a list: its value is not told.
type kvEntry struct {
	Namespace   string     `json:"namespace"`
	Key         string     `json:"key"`
	Version     int        `json:"version"`
	Description string     `json:"description,omitempty"`
	Created     time.Time  `json:"creationDate"`
	Updated     time.Time  `json:"updateDate"`
	Expires     *time.Time `json:"expirationDate,omitempty"`
}

func entryJSON(e *kv.Entry) kvEntry {
	return kvEntry{e.Namespace, e.Key, e.Version, e.Description, e.Created, e.Updated, e.Expires}
}

func entriesJSON(entries []*kv.Entry) []kvEntry {
	out := make([]kvEntry, len(entries))
	for i, e := range entries {
		out[i] = entryJSON(e)
	}
	return out
}

func (a *API) searchKeys(w http.ResponseWriter, r *http.Request) error {
	q, err := ofDocuments.query(r)
	if err != nil {
		return err
	}
	for i, s := range q.Sort {
		if s.By == "key" {
			q.Sort[i].By = "id"
		}
	}
	p, err := a.KV.Search(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, page[kvEntry]{entriesJSON(p.Results), p.Total})
}

func (a *API) keysOfNamespace(w http.ResponseWriter, r *http.Request) error {
	entries, err := a.KV.List(r.Context(), Tenant, r.PathValue("namespace"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, entriesJSON(entries))
}

// inheritedKeys lists the keys of the namespaces above that the namespace does not have itself.
func (a *API) inheritedKeys(w http.ResponseWriter, r *http.Request) error {
	seen := map[string]bool{}
	out := []kvEntry{}
	namespace := r.PathValue("namespace")
	for ns, own := namespace, true; ns != ""; ns, own = parentNamespace(ns), false {
		entries, err := a.KV.List(r.Context(), Tenant, ns)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !own && !seen[e.Key] {
				out = append(out, entryJSON(e))
			}
			seen[e.Key] = true
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

func parentNamespace(ns string) string {
	i := strings.LastIndexByte(ns, '.')
	return ns[:max(i, 0)]
}

func (a *API) entry(r *http.Request) (*kv.Entry, error) {
	e, err := a.KV.Get(r.Context(), Tenant, r.PathValue("namespace"), r.PathValue("key"))
	if errors.Is(err, backend.ErrNotFound) {
		return nil, notFound("No value found for key '" + r.PathValue("key") + "' in namespace '" + r.PathValue("namespace") + "'")
	}
	return e, err
}

func (a *API) getKey(w http.ResponseWriter, r *http.Request) error {
	e, err := a.entry(r)
	if err != nil {
		return err
	}
	return writeValue(w, value.MapOf(value.Entry{Key: "type", Value: string(e.Type)}, value.Entry{Key: "value", Value: e.Value},
		value.Entry{Key: "revision", Value: value.Int(int64(e.Version))}, value.Entry{Key: "updated", Value: value.Instant{T: e.Updated}}))
}

func (a *API) describeKey(w http.ResponseWriter, r *http.Request) error {
	e, err := a.entry(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, entryJSON(e))
}

// putKey sets a key to what the body holds. The headers ttl and description say how long it stays and what it is.
func (a *API) putKey(w http.ResponseWriter, r *http.Request) error {
	if err := checkNamespace(r.PathValue("namespace")); err != nil {
		return err
	}
	raw, err := readBody(r, maxPart)
	if err != nil {
		return err
	}
	if !utf8.Valid(raw) {
		return invalid("the value is not valid UTF-8")
	}
	p := kv.Put{
		Tenant: Tenant, Namespace: r.PathValue("namespace"), Key: r.PathValue("key"), Value: kv.FromRequest(string(raw)),
		Description: r.Header.Get("description"),
	}
	if ttl := r.Header.Get("ttl"); ttl != "" {
		if p.TTL, err = model.ParseDuration(ttl); err != nil || p.TTL < 0 {
			return invalid("ttl: " + ttl + " is no duration such as PT1H")
		}
	}
	if err := a.KV.Set(r.Context(), p); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (a *API) deleteKey(w http.ResponseWriter, r *http.Request) error {
	deleted, err := a.KV.Delete(r.Context(), Tenant, r.PathValue("namespace"), r.PathValue("key"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, deleted)
}

// deleteKeys deletes several keys and lists those that there were.
func (a *API) deleteKeys(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Keys []string `json:"keys"`
	}
	if err := readJSON(r, &body, "a JSON object with keys"); err != nil {
		return err
	}
	deleted := []string{}
	for _, key := range body.Keys {
		was, err := a.KV.Delete(r.Context(), Tenant, r.PathValue("namespace"), key)
		if err != nil {
			return err
		}
		if was {
			deleted = append(deleted, key)
		}
	}
	return writeJSON(w, http.StatusOK, map[string][]string{"keys": deleted})
}
