package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/secret"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) secretRoutes() {
	a.route("GET", "/secrets", a.searchSecrets)
	a.route("GET", "/namespaces/{namespace}/secrets", a.secretsOfNamespace)
	a.route("PUT", "/namespaces/{namespace}/secrets", a.putSecret)
	a.route("PATCH", "/namespaces/{namespace}/secrets/{key}", a.describeSecret)
	a.route("DELETE", "/namespaces/{namespace}/secrets/{key}", a.deleteSecret)
	a.route("GET", "/namespaces/{namespace}/inherited-secrets", a.inheritedSecrets)
}

// secretMeta is what is told of a secret: all but its value.
type secretMeta struct {
	Key         string      `json:"key"`
	Namespace   string      `json:"namespace,omitempty"`
	Description string      `json:"description,omitempty"`
	Tags        []secretTag `json:"tags"`
}

type secretTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func secretJSON(d *backend.Document) (secretMeta, error) {
	var body struct {
		Description string     `json:"description"`
		Tags        *value.Map `json:"tags"`
	}
	m := secretMeta{Key: d.ID, Namespace: d.Namespace, Tags: []secretTag{}}
	if err := json.Unmarshal(d.Body, &body); err != nil {
		return m, err
	}
	m.Description = body.Description
	for k, v := range body.Tags.All() {
		m.Tags = append(m.Tags, secretTag{k, value.Print(v)})
	}
	return m, nil
}

func (a *API) searchSecrets(w http.ResponseWriter, r *http.Request) error {
	q, err := ofDocuments.query(r)
	if err != nil {
		return err
	}
	return a.writeSecrets(w, r, q)
}

func (a *API) secretsOfNamespace(w http.ResponseWriter, r *http.Request) error {
	q, err := ofDocuments.query(r)
	if err != nil {
		return err
	}
	q.Filters = append(q.Filters, namespaceFilter(r.PathValue("namespace")))
	return a.writeSecrets(w, r, q)
}

func (a *API) writeSecrets(w http.ResponseWriter, r *http.Request, q backend.Query) error {
	for i, s := range q.Sort {
		if s.By == "key" {
			q.Sort[i].By = "id"
		}
	}
	p, err := a.Backend.Documents().Search(r.Context(), secret.Kind, q)
	if err != nil {
		return err
	}
	out := struct {
		ReadOnly bool         `json:"readOnly"`
		Results  []secretMeta `json:"results"`
		Total    int          `json:"total"`
	}{a.Secrets.Encrypt == nil, []secretMeta{}, p.Total}
	for _, d := range p.Results {
		m, err := secretJSON(d)
		if err != nil {
			return err
		}
		out.Results = append(out.Results, m)
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) putSecret(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		secretMeta
		Value string `json:"value"`
	}
	if err := readJSON(r, &body, "a JSON object with key and value"); err != nil {
		return err
	}
	if body.Key == "" || body.Value == "" {
		return invalid("a secret has a key and a value")
	}
	if a.Secrets.Encrypt == nil {
		return conflict("secrets cannot be stored without an encryption key: set kestra.encryption.secret-key")
	}
	ns := r.PathValue("namespace")
	if err := checkNamespace(ns); err != nil {
		return err
	}
	if err := a.Secrets.Put(r.Context(), Tenant, ns, body.Key, body.Value, body.Description, tagMap(body.Tags)); err != nil {
		return err
	}
	return a.writeSecretList(w, r, ns)
}

func tagMap(tags []secretTag) map[string]string {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

// describeSecret changes what is told of a secret and leaves its value.
func (a *API) describeSecret(w http.ResponseWriter, r *http.Request) error {
	var meta secretMeta
	if err := readJSON(r, &meta, "a JSON object with description and tags"); err != nil {
		return err
	}
	ns := r.PathValue("namespace")
	d, err := a.Backend.Documents().Get(r.Context(), secret.Kind, Tenant, ns, r.PathValue("key"))
	if err != nil {
		return err
	}
	stored := map[string]any{}
	if err := json.Unmarshal(d.Body, &stored); err != nil {
		return err
	}
	stored["description"], stored["tags"] = meta.Description, tagMap(meta.Tags)
	next := *d
	next.Text = meta.Description
	if next.Body, err = json.Marshal(stored); err != nil {
		return err
	}
	if _, err := a.Backend.Documents().Put(r.Context(), next, d.Version); err != nil {
		return err
	}
	return a.writeSecretList(w, r, ns)
}

// writeSecretList answers with the secrets of a namespace, as the changes do.
func (a *API) writeSecretList(w http.ResponseWriter, r *http.Request, namespace string) error {
	docs, err := a.secretDocuments(r, namespace)
	if err != nil {
		return err
	}
	out := []secretMeta{}
	for _, d := range docs {
		m, err := secretJSON(d)
		if err != nil {
			return err
		}
		out = append(out, m)
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) secretDocuments(r *http.Request, namespace string) ([]*backend.Document, error) {
	q := backend.Query{Tenant: Tenant, Filters: []backend.Filter{namespaceFilter(namespace)}}
	return all(q, func(q backend.Query) (backend.Page[*backend.Document], error) {
		return a.Backend.Documents().Search(r.Context(), secret.Kind, q)
	})
}

func (a *API) deleteSecret(w http.ResponseWriter, r *http.Request) error {
	if err := a.Secrets.Delete(r.Context(), Tenant, r.PathValue("namespace"), r.PathValue("key")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// inheritedSecrets lists the keys of a namespace and of those above it, by namespace.
func (a *API) inheritedSecrets(w http.ResponseWriter, r *http.Request) error {
	out := map[string][]string{}
	for ns := r.PathValue("namespace"); ns != ""; ns = parentNamespace(ns) {
		docs, err := a.secretDocuments(r, ns)
		if err != nil {
			return err
		}
		out[ns] = []string{}
		for _, d := range docs {
			out[ns] = append(out[ns], d.ID)
		}
	}
	return writeJSON(w, http.StatusOK, out)
}
